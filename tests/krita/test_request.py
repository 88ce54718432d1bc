"""What a press of Generate asks for: which task, which part of the document, which pixels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.form import Form
from latent_bridge.request import (
    Rect,
    context_crop,
    is_plain_srgb,
    layer_name,
    make_plan,
    make_task,
    place_of,
)

from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint, Layer, TextToImage

CANVAS = Rect(0, 0, 1000, 800)


def sides(largest: int = 9000):
    return st.integers(1, largest)


@st.composite
def selections(draw: st.DrawFn) -> tuple[Rect, Rect]:
    """A canvas and a part of it."""
    canvas = Rect(0, 0, draw(sides()), draw(sides()))
    x, y = draw(st.integers(0, canvas.width - 1)), draw(st.integers(0, canvas.height - 1))
    width, height = draw(st.integers(1, canvas.width - x)), draw(st.integers(1, canvas.height - y))
    return canvas, Rect(x, y, width, height)


class TestWhatIsAskedFor:
    def test_no_selection_at_full_strength_makes_a_picture_of_the_documents_size(self):
        plan = make_plan(CANVAS, None, 100, 512)
        task = make_task(plan, Form(prompt="moss"))
        assert isinstance(task, TextToImage)
        assert (task.width, task.height) == (1000, 800)

    def test_no_selection_below_full_strength_changes_the_whole_picture(self):
        plan = make_plan(CANVAS, None, 60, 512)
        task = make_task(plan, Form(strength=60), bytes(1000 * 800 * 4))
        assert isinstance(task, ImageToImage)
        assert task.strength == 0.6
        assert task.image.format is PixelFormat.BGRA8

    def test_a_selection_is_repainted_with_its_mask(self):
        plan = make_plan(Rect(0, 0, 64, 48), Rect(10, 10, 20, 20), 100, 512)
        mask = bytes(range(256)) * 12
        task = make_task(plan, Form(), bytes(64 * 48 * 4), mask)
        assert isinstance(task, Inpaint)
        assert bytes(task.mask.pixels) == mask
        assert task.mask.format is PixelFormat.GRAY8

    def test_a_selection_that_reaches_beyond_the_canvas_counts_where_it_is_on_it(self):
        assert make_plan(CANVAS, Rect(-50, -50, 100, 100), 100, 512).task is Inpaint

    def test_a_selection_beside_the_canvas_is_refused_with_a_hint(self):
        with pytest.raises(BridgeError, match="outside the picture") as caught:
            make_plan(CANVAS, Rect(2000, 0, 10, 10), 100, 512)
        assert caught.value.hint

    def test_the_form_travels_in_the_task(self):
        form = Form(prompt=" brick ", negative_prompt="cats", steps=7, seed=5, random_seed=False, model="m")
        task = make_task(make_plan(CANVAS, None, 100, 512), form)
        assert (task.prompt, task.negative_prompt, task.steps, task.seed, task.model) == ("brick", "cats", 7, 5, "m")

    def test_random_seed_and_automatic_steps_are_left_to_the_daemon(self):
        task = make_task(make_plan(CANVAS, None, 100, 512), Form(seed=5))
        assert (task.seed, task.steps) == (None, None)

    def test_results_come_in_kritas_own_byte_order(self):
        assert make_task(make_plan(CANVAS, None, 100, 512), Form()).result_format is PixelFormat.BGRA8


class TestTheCrop:
    def test_a_small_selection_sends_a_small_part_of_a_huge_canvas(self):
        crop = context_crop(Rect(0, 0, 4096, 4096), Rect(2000, 2000, 64, 64), 512)
        assert crop == Rect(1504, 1504, 1056, 1056)

    def test_at_the_edge_the_window_moves_inwards_and_keeps_its_size(self):
        crop = context_crop(Rect(0, 0, 4096, 4096), Rect(4032, 0, 64, 64), 512)
        assert crop == Rect(3040, 0, 1056, 1056)

    def test_a_small_canvas_is_sent_whole(self):
        assert context_crop(CANVAS, Rect(10, 10, 300, 300), 512) == CANVAS

    @given(selections(), st.sampled_from([256, 512, 1024]))
    def test_it_holds_the_selection_and_lies_in_the_canvas(self, case: tuple[Rect, Rect], native: int):
        canvas, selected = case
        crop = context_crop(canvas, selected, native)
        assert crop.contains(selected)
        assert canvas.contains(crop)

    @given(selections(), st.sampled_from([256, 512, 1024]))
    def test_it_leaves_the_daemon_room_for_feather_and_context(self, case: tuple[Rect, Rect], native: int):
        """The daemon pads the mask by its feather and then by half the mask or a sixteenth of the canvas."""
        canvas, selected = case
        crop = context_crop(canvas, selected, native)
        feather = max(32, (selected.width**2 + selected.height**2) ** 0.5 / 10)
        margin = feather + max(max(canvas.width, canvas.height) / 16, (selected.width + selected.height) / 4)
        assert crop.x <= max(0, selected.x - margin + 1)
        assert crop.y <= max(0, selected.y - margin + 1)
        assert crop.right >= min(canvas.width, selected.right + margin - 1)
        assert crop.bottom >= min(canvas.height, selected.bottom + margin - 1)
        assert crop.width >= min(canvas.width, native)
        assert crop.height >= min(canvas.height, native)


class TestTheResult:
    def test_its_offset_is_counted_from_the_crop(self):
        plan = make_plan(Rect(0, 0, 4096, 4096), Rect(2000, 2000, 64, 64), 100, 512)
        layer = Layer(Picture(2, 1, PixelFormat.BGRA8, bytes(8)), x=400, y=410)
        assert place_of(plan, layer) == Rect(1904, 1914, 2, 1)

    def test_its_layer_is_named_by_prompt_and_seed(self):
        assert layer_name("a red\nbrick  wall", 7) == "[bridge] a red brick wall (7)"
        assert layer_name(" ", 7) == "[bridge] no prompt (7)"

    def test_a_long_prompt_is_cut(self):
        name = layer_name("moss " * 100, 7)
        assert name.endswith("… (7)")
        assert len(name) < 100


@pytest.mark.parametrize(
    ("model", "depth", "profile", "plain"),
    [
        ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc", True),
        ("RGBA", "U8", "sRGB IEC61966-2.1", True),
        ("RGBA", "U8", "sRGB-elle-V2-g10.icc", False),
        ("RGBA", "U8", "AdobeRGB1998.icc", False),
        ("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc", False),
        ("CMYKA", "U8", "Chemical proof", False),
    ],
)
def test_only_8_bit_srgb_documents_are_sent_as_they_are(model: str, depth: str, profile: str, plain: bool):
    assert is_plain_srgb(model, depth, profile) is plain
