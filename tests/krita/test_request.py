"""What a press of Generate asks for: which task, which part of the document, which pixels."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.form import Form
from latent_bridge.modes import Mode
from latent_bridge.request import (
    Placement,
    Plan,
    Rect,
    context_crop,
    is_plain_srgb,
    layer_name,
    make_plan,
    make_task,
    placement_of,
)

from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint, Layer, Outpaint, TextToImage, Upscale

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
        plan = make_plan(CANVAS, None, Form(strength=100), 512)
        task = make_task(plan, Form(prompt="moss"))
        assert isinstance(task, TextToImage)
        assert (task.width, task.height) == (1000, 800)

    def test_no_selection_below_full_strength_changes_the_whole_picture(self):
        plan = make_plan(CANVAS, None, Form(strength=60), 512)
        task = make_task(plan, Form(strength=60), bytes(1000 * 800 * 4))
        assert isinstance(task, ImageToImage)
        assert task.strength == 0.6
        assert task.image.format is PixelFormat.BGRA8

    def test_a_selection_is_repainted_with_its_mask(self):
        plan = make_plan(Rect(0, 0, 64, 48), Rect(10, 10, 20, 20), Form(strength=100), 512)
        mask = bytes(range(256)) * 12
        task = make_task(plan, Form(), bytes(64 * 48 * 4), mask)
        assert isinstance(task, Inpaint)
        assert bytes(task.mask.pixels) == mask
        assert task.mask.format is PixelFormat.GRAY8

    def test_a_selection_that_reaches_beyond_the_canvas_counts_where_it_is_on_it(self):
        assert make_plan(CANVAS, Rect(-50, -50, 100, 100), Form(strength=100), 512).task is Inpaint

    def test_a_selection_beside_the_canvas_is_refused_with_a_hint(self):
        with pytest.raises(BridgeError, match="outside the picture") as caught:
            make_plan(CANVAS, Rect(2000, 0, 10, 10), Form(strength=100), 512)
        assert caught.value.hint

    def test_the_form_travels_in_the_task(self):
        form = Form(prompt=" brick ", negative_prompt="cats", steps=7, seed=5, random_seed=False, model="m")
        task = make_task(make_plan(CANVAS, None, Form(strength=100), 512), form)
        assert (task.prompt, task.negative_prompt, task.steps, task.seed, task.model) == ("brick", "cats", 7, 5, "m")

    def test_random_seed_and_automatic_steps_are_left_to_the_daemon(self):
        task = make_task(make_plan(CANVAS, None, Form(strength=100), 512), Form(seed=5))
        assert (task.seed, task.steps) == (None, None)

    def test_results_come_in_kritas_own_byte_order(self):
        assert make_task(make_plan(CANVAS, None, Form(strength=100), 512), Form()).result_format is PixelFormat.BGRA8


def picture_layer(width: int, height: int, x: int = 0, y: int = 0) -> Layer:
    return Layer(Picture(width, height, PixelFormat.BGRA8, bytes(width * height * 4)), x=x, y=y)


class TestModes:
    def test_a_selection_below_full_strength_is_refined(self):
        plan = make_plan(CANVAS, Rect(10, 10, 20, 20), Form(strength=40), 512)
        assert (plan.mode, plan.task) == (Mode.REFINE, Inpaint)

    @pytest.mark.parametrize("mode", [Mode.FILL, Mode.ADD, Mode.REMOVE, Mode.REPLACE_BACKGROUND])
    def test_modes_that_need_a_selection_say_so(self, mode: Mode):
        with pytest.raises(BridgeError, match="needs a selection") as caught:
            make_plan(CANVAS, None, Form(mode=mode.value), 512)
        assert "Automatic" in caught.value.hint

    def test_generate_with_a_selection_makes_a_layer_of_its_size(self):
        plan = make_plan(CANVAS, Rect(10, 20, 64, 48), Form(mode="generate"), 512)
        assert (plan.task, plan.crop) == (TextToImage, Rect(10, 20, 64, 48))

    def test_removing_ignores_the_prompt_and_any_strength(self):
        plan = make_plan(Rect(0, 0, 64, 48), Rect(10, 10, 20, 20), Form(mode="remove", strength=30), 512)
        task = make_task(plan, Form(prompt="a cat", strength=30), bytes(64 * 48 * 4), bytes(64 * 48))
        assert (task.prompt, task.strength) == ("", 1.0)

    def test_replacing_the_background_sends_everything_and_turns_the_mask_around(self):
        plan = make_plan(CANVAS, Rect(10, 10, 20, 20), Form(mode="replace_background"), 256)
        assert (plan.crop, plan.inverts_mask) == (CANVAS, True)

    def test_expanding_takes_its_sides_from_the_form(self):
        plan = make_plan(Rect(0, 0, 64, 48), None, Form(mode="expand", left=8, right=16), 512)
        task = make_task(plan, Form(), bytes(64 * 48 * 4))
        assert isinstance(task, Outpaint)
        assert (task.left, task.top, task.right, task.bottom) == (8, 0, 16, 0)

    def test_expanding_goes_as_far_as_a_selection_beyond_the_picture(self):
        plan = make_plan(CANVAS, Rect(-30, 100, 1070, 720), Form(mode="expand", left=8), 512)
        assert plan.sides == (30, 0, 40, 20)

    def test_expanding_by_nothing_is_refused(self):
        with pytest.raises(BridgeError, match="Nothing would be added"):
            make_plan(CANVAS, None, Form(mode="expand", right=0), 512)

    def test_upscaling_at_full_strength_only_adds_detail(self):
        plan = make_plan(Rect(0, 0, 64, 48), None, Form(mode="upscale", scale=150), 512)
        task = make_task(plan, Form(), bytes(64 * 48 * 4))
        assert isinstance(task, Upscale)
        assert (task.scale, task.strength) == (1.5, 0.3)

    @given(selections(), st.sampled_from([mode for mode in Mode if mode is not Mode.EXPAND]))
    def test_a_plan_survives_the_document(self, case: tuple[Rect, Rect], mode: Mode):
        plan = make_plan(*case, Form(mode=mode.value), 512)
        assert Plan.loaded(json.loads(json.dumps(plan.dumped()))) == plan


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
        plan = make_plan(Rect(0, 0, 4096, 4096), Rect(2000, 2000, 64, 64), Form(strength=100), 512)
        layer = Layer(Picture(2, 1, PixelFormat.BGRA8, bytes(8)), x=400, y=410)
        assert placement_of(plan, layer, Rect(0, 0, 4096, 4096)) == Placement(Rect(1904, 1914, 2, 1))

    def test_after_expanding_the_canvas_grows_and_the_layer_moves_with_the_picture(self):
        plan = make_plan(CANVAS, None, Form(mode="expand", left=100, top=50, right=0), 512)
        placed = placement_of(plan, picture_layer(120, 850, -100, -50), CANVAS)
        assert placed == Placement(Rect(0, 0, 120, 850), canvas=Rect(-100, -50, 1100, 850))

    def test_a_canvas_that_has_changed_meanwhile_is_not_changed_again(self):
        plan = make_plan(CANVAS, None, Form(mode="expand"), 512)
        assert placement_of(plan, picture_layer(128, 800, 1000), Rect(0, 0, 1128, 800)).canvas is None

    def test_after_upscaling_a_selection_the_layer_lies_over_its_place(self):
        plan = make_plan(CANVAS, Rect(100, 80, 50, 40), Form(mode="upscale"), 512)
        placed = placement_of(plan, picture_layer(100, 80), CANVAS)
        assert placed == Placement(Rect(200, 160, 100, 80), size=(2000, 1600))

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
