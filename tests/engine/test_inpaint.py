"""Inpainting and outpainting on real pipelines, with and without inpaint training."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint, Layer, Outpaint
from tests.engine.bench import Bench, mask_picture, pixels, random_picture

MODELS = ["sd", "sdxl", "sd3", "inpaint"]
BOX = (40, 30, 24, 20)
SMALL = {"grow": 6, "feather": 6, "blend": 6}


def inpaint(image: Picture, **parameters: object) -> Inpaint:
    mask = parameters.pop("mask", None) or mask_picture(image.width, image.height, BOX)
    return Inpaint(**{"image": image, "mask": mask, "prompt": "a", "seed": 1, **SMALL, **parameters})


def pasted(image: Picture, layer: Layer) -> np.ndarray:
    """The layer blended over the canvas as any client would."""
    canvas = pixels(image).astype(np.float64)
    top = pixels(layer.picture).astype(np.float64)
    full = 255.0 if layer.picture.format.bytes_per_channel == 1 else 65535.0
    alpha = top[..., 3:] / full
    box = np.s_[layer.y : layer.y + top.shape[0], layer.x : layer.x + top.shape[1]]
    canvas[box][..., :3] = canvas[box][..., :3] * (1 - alpha) + top[..., :3] * alpha
    return np.rint(canvas).astype(pixels(image).dtype)


@pytest.mark.parametrize("model", MODELS)
def test_the_result_is_a_layer_around_the_selection(bench: Bench, model: str) -> None:
    layer = bench.run(inpaint(random_picture(130, 100)), model).layer
    # Grown by 6, feathered over 6: 9 px beyond the selection on every side, the outermost of them empty.
    assert (layer.x, layer.y, layer.picture.width, layer.picture.height) == (40 - 8, 30 - 8, 24 + 16, 20 + 16)
    alpha = pixels(layer.picture)[..., 3]
    assert (alpha[8:-8, 8:-8] == 255).all()
    assert 0 < alpha[0, 20] < 255


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_outside_the_compositing_mask_no_bit_of_the_canvas_changes(
    bench: Bench, model: str, pixel_format: PixelFormat
) -> None:
    image = random_picture(130, 100, pixel_format)
    layer = bench.run(inpaint(image, result_format=pixel_format), model).layer
    finished = pixels(bench.run(inpaint(image, extent="canvas"), model).layer.picture)
    outside = np.ones((100, 130), bool)
    outside[layer.y : layer.y + layer.picture.height, layer.x : layer.x + layer.picture.width] = (
        pixels(layer.picture)[..., 3] == 0
    )
    if pixel_format is PixelFormat.RGBA16:
        assert (finished[outside] ^ pixels(image)[outside]).sum() == 0
    # At 8 bit an alpha may round to nothing where it still was something; the box around it is exact anyhow.
    box = np.ones((100, 130), bool)
    box[layer.y : layer.y + layer.picture.height, layer.x : layer.x + layer.picture.width] = False
    assert (finished[box] ^ pixels(image)[box]).sum() == 0
    assert (pasted(image, layer)[outside] ^ pixels(image)[outside]).sum() == 0
    assert (finished[32:48, 44:60] != pixels(image)[32:48, 44:60]).any()


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_format_keeps_its_bits_outside_and_its_kind(bench: Bench, pixel_format: PixelFormat) -> None:
    image = random_picture(96, 96, pixel_format, opaque=False)
    picture = bench.run(inpaint(image, extent="canvas")).layer.picture
    assert (picture.format, picture.width, picture.height) == (pixel_format, 96, 96)
    before, after = pixels(image), pixels(picture)
    outside = np.ones((96, 96), bool)
    outside[30 - 9 : 50 + 9, 40 - 9 : 64 + 9] = False
    assert before[outside].tobytes() == after[outside].tobytes()
    assert before[32:48, 44:60].tobytes() != after[32:48, 44:60].tobytes()


def test_the_layer_over_the_canvas_is_the_finished_canvas(bench: Bench) -> None:
    image = random_picture(130, 100)
    layer = bench.run(inpaint(image)).layer
    finished = pixels(bench.run(inpaint(image, extent="canvas")).layer.picture)
    assert np.abs(pasted(image, layer).astype(int) - finished.astype(int)).max() <= 2


@pytest.mark.parametrize("fill", ["blur", "neutral", "noise", "border"])
def test_what_was_under_the_mask_does_not_show_in_the_result(bench: Bench, fill: str) -> None:
    image = random_picture(130, 100)
    channels = pixels(image).copy()
    channels[30:50, 40:64, :3] = [255, 0, 255]
    other = Picture(130, 100, image.format, channels.tobytes())
    one, two = (bench.run(inpaint(each, fill=fill)).layer.picture.pixels for each in (image, other))
    assert bytes(one) == bytes(two)


def test_a_soft_selection_is_the_alpha_of_the_layer(bench: Bench) -> None:
    selection = np.zeros((100, 130), np.uint8)
    selection[30:70, 40:90] = np.linspace(5, 255, 50, dtype=np.uint8)
    mask = Picture(130, 100, PixelFormat.GRAY8, selection.tobytes())
    layer = bench.run(inpaint(random_picture(130, 100), mask=mask)).layer
    assert (layer.x, layer.y) == (40, 30)
    assert (pixels(layer.picture)[..., 3] == selection[30:70, 40:90]).all()


def test_a_strength_of_0_leaves_the_canvas_alone(bench: Bench) -> None:
    image = random_picture(130, 100, PixelFormat.BGRA16)
    assert bytes(bench.run(inpaint(image, strength=0, extent="canvas")).layer.picture.pixels) == image.pixels
    layer = bench.run(inpaint(image, strength=0, result_format=PixelFormat.BGRA16)).layer
    box = pixels(image)[layer.y : layer.y + layer.picture.height, layer.x : layer.x + layer.picture.width]
    assert (pixels(layer.picture)[..., :3] == box[..., :3]).all()


def test_a_low_strength_stays_closer_to_what_was_there(bench: Bench) -> None:
    image = random_picture(130, 100)

    def distance(strength: float) -> float:
        task = inpaint(image, strength=strength, extent="canvas", fill="original", steps=10)
        after = pixels(bench.run(task).layer.picture)
        return float(np.abs(after[30:50, 40:64].astype(int) - pixels(image)[30:50, 40:64]).mean())

    assert distance(0.2) < distance(1.0)


def test_a_large_canvas_is_computed_near_the_native_size(bench: Bench) -> None:
    image = random_picture(900, 700)
    mask = mask_picture(900, 700, (200, 100, 400, 400))
    layer = bench.run(inpaint(image, mask=mask), native_size=128).layer
    computed = layer.recipe["computed"]
    assert computed["width"] * computed["height"] <= 136**2
    assert (layer.picture.width, layer.picture.height) == (416, 416)


def test_defaults_are_resolved_and_recorded(bench: Bench) -> None:
    image = random_picture(600, 600)
    mask = mask_picture(600, 600, (100, 100, 300, 400))
    task = Inpaint(image=image, mask=mask, seed=1)
    parameters = bench.run(task).layer.recipe["parameters"]
    chosen = {name: parameters[name] for name in ("fill", "grow", "feather", "blend", "context")}
    assert chosen == {"fill": "blur", "grow": 29, "feather": 50, "blend": 25, "context": 175}
    assert (
        bench.run(Inpaint(image=image, mask=mask, seed=1, strength=0.6)).layer.recipe["parameters"]["fill"]
        == "original"
    )


@pytest.mark.parametrize(
    "mask",
    [
        mask_picture(130, 100),
        mask_picture(100, 130, BOX),
        random_picture(130, 100, PixelFormat.GRAY16),
        random_picture(130, 100, PixelFormat.RGBA8),
    ],
    ids=["empty", "other size", "gray16", "rgba8"],
)
def test_a_mask_that_cannot_be_used_is_refused_before_the_model_is_loaded(fresh_bench: Bench, mask: Picture) -> None:
    outcome = fresh_bench.run(inpaint(random_picture(130, 100), mask=mask))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.mask"
    assert outcome.ended.error.hint
    assert outcome.stages == []


def test_a_layer_without_alpha_is_refused(bench: Bench) -> None:
    outcome = bench.run(inpaint(random_picture(130, 100), result_format=PixelFormat.RGB8))
    assert outcome.ended.error.field == "task.result_format"


@pytest.mark.parametrize("model", MODELS)
def test_outpainting_adds_what_is_asked_for_and_keeps_the_picture(bench: Bench, model: str) -> None:
    image = random_picture(90, 70, PixelFormat.RGBA16)
    task = Outpaint(image=image, left=30, top=10, bottom=5, prompt="a", seed=1, extent="canvas")
    layer = bench.run(task, model).layer
    assert (layer.x, layer.y, layer.picture.width, layer.picture.height) == (-30, -10, 120, 85)
    after = pixels(layer.picture)
    inner = np.s_[10 + 16 : 10 + 70 - 16, 30 + 16 : 30 + 90]
    assert after[inner].tobytes() == pixels(image)[16:-16, 16:].tobytes()
    assert (after[..., 3] == 65535).all()
    assert after[:, :30, :3].std() > 0


def test_the_layer_of_outpainting_lies_outside_the_picture_but_for_its_seam(bench: Bench) -> None:
    layer = bench.run(Outpaint(image=random_picture(90, 70), right=40, prompt="a", seed=1, blend=8)).layer
    assert (layer.x, layer.y) == (90 - 7, 0)
    assert (layer.picture.width, layer.picture.height) == (40 + 7, 70)
    alpha = pixels(layer.picture)[..., 3]
    assert (alpha[:, 7:] == 255).all()
    assert (np.diff(alpha[35, :8].astype(int)) > 0).all()


def test_outpainting_nothing_is_refused(bench: Bench) -> None:
    outcome = bench.run(Outpaint(image=random_picture(90, 70), seed=1))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.hint


def test_several_images_of_an_inpaint_job_differ_in_their_seed_alone(bench: Bench) -> None:
    image = random_picture(130, 100)
    layers = bench.run(inpaint(image, images=2)).layers
    alone = bench.run(inpaint(image, seed=2)).layer
    assert bytes(layers[1].picture.pixels) == bytes(alone.picture.pixels)
    assert bytes(layers[0].picture.pixels) != bytes(layers[1].picture.pixels)


def test_a_transparent_canvas_is_no_obstacle(bench: Bench) -> None:
    image = Picture(130, 100, PixelFormat.RGBA8, bytes(130 * 100 * 4))
    layer = bench.run(inpaint(image)).layer
    assert pixels(layer.picture)[..., 3].max() == 255
    result = pixels(bench.run(inpaint(image, extent="canvas")).layer.picture)
    assert (result[30:50, 40:64, 3] == 255).all()
    assert (result[:20] == 0).all()


def test_image_to_image_of_the_same_job_is_untouched_by_masks_before_it(bench: Bench) -> None:
    image = random_picture(64, 64)
    task = ImageToImage(image=image, strength=0.5, seed=1)
    first = bench.run(task).layer.picture.pixels
    bench.run(inpaint(random_picture(130, 100)))
    assert bytes(bench.run(task).layer.picture.pixels) == bytes(first)
