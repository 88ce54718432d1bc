"""Shares lie where the masks do in whatever is computed: padded, cropped, rolled, or in tiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from bridge.engine.inpaint.tasks import plan_inpaint, plan_outpaint
from bridge.engine.plan import Plan, Sizing
from bridge.engine.regions.shares import Shares, check_regions
from bridge.engine.upscale.tasks import plan_upscale
from bridge.engine.whole_picture import plan_text_to_image
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Inpaint, Outpaint, Region, TextToImage, Upscale
from tests.engine.bench import mask_picture, random_picture

SIZING = Sizing(native=64, multiple=8)


def shares(plan: Plan, *masks: Picture, strength: float = 1.0, unit: int = 8) -> np.ndarray:
    regions = [Region(mask=mask, prompt="", strength=strength) for mask in masks]
    return Shares(regions, plan).of(plan.height // unit, plan.width // unit).numpy()


def spans(share: np.ndarray) -> tuple[list[int], list[int]]:
    """Rows and columns where a share is all of it."""
    return np.flatnonzero((share == 1).any(1)).tolist(), np.flatnonzero((share == 1).any(0)).tolist()


def text_to_image(width: int, height: int) -> Plan:
    return plan_text_to_image(TextToImage(width=width, height=height), SIZING)


def test_a_region_has_what_its_mask_covers_and_the_prompt_the_rest() -> None:
    own, left = shares(text_to_image(64, 64), mask_picture(64, 64, (0, 0, 32, 64)))
    assert spans(left) == ([*range(8)], [0, 1, 2, 3])
    np.testing.assert_array_equal(own, 1 - left)


def test_a_small_mask_is_stretched_over_the_canvas() -> None:
    plan = text_to_image(128, 64)
    _, small = shares(plan, mask_picture(16, 8, (8, 0, 8, 8)))
    _, large = shares(plan, mask_picture(128, 64, (64, 0, 64, 64)))
    np.testing.assert_allclose(small, large, atol=0.15)


def test_a_soft_mask_and_a_strength_leave_the_rest_to_the_prompt() -> None:
    plan = text_to_image(64, 64)
    own, soft = shares(plan, mask_picture(64, 64, (0, 0, 64, 64), value=51))
    np.testing.assert_allclose(soft, 0.2, atol=1e-6)
    np.testing.assert_allclose(own, 0.8, atol=1e-6)
    _, weak = shares(plan, mask_picture(64, 64, (0, 0, 64, 64)), strength=0.25)
    assert np.unique(weak).tolist() == [0.25]


def test_regions_that_overlap_share_evenly_and_sum_up_to_one() -> None:
    plan = text_to_image(64, 64)
    whole, left = mask_picture(64, 64, (0, 0, 64, 64)), mask_picture(64, 64, (0, 0, 32, 64))
    found = shares(plan, whole, left)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)
    assert found[1][0, 0] == found[2][0, 0] == 0.5
    assert found[1][0, -1] == 1


def test_masks_are_padded_like_the_canvas() -> None:
    plan = text_to_image(60, 64)
    assert plan.width == 64
    _, everything = shares(plan, mask_picture(60, 64, (0, 0, 60, 64)))
    assert (everything == 1).all()


def test_masks_are_cropped_with_the_canvas_of_inpainting() -> None:
    canvas, selection = random_picture(256, 128), mask_picture(256, 128, (192, 48, 32, 32))
    plan = plan_inpaint(Inpaint(image=canvas, mask=selection, context=16), SIZING, native_inpaint=False)
    _, far = shares(plan, mask_picture(256, 128, (0, 0, 100, 128)))
    assert (far == 0).all()
    _, near = shares(plan, mask_picture(256, 128, (208, 0, 48, 128)))
    assert plan.view is not None
    seen = plan.view.seen(np.repeat((np.arange(256) >= 208)[None, :, None], 128, 0).astype(np.float32))[..., 0]
    cells = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(seen)[None], near.shape)[0]
    np.testing.assert_allclose(near, cells, atol=0.01)
    assert 0 < near.mean() < 1


def test_masks_are_rolled_with_a_canvas_that_continues_across_its_sides() -> None:
    selection = mask_picture(256, 64, (240, 16, 16, 32), (0, 16, 16, 32))
    canvas = random_picture(256, 64)
    task = Inpaint(image=canvas, mask=selection, context=8, grow=0, feather=0, blend=0, seamless="x")
    plan = plan_inpaint(task, SIZING, native_inpaint=False)
    _, left_end = shares(plan, mask_picture(256, 64, (0, 0, 32, 64)))
    columns = np.flatnonzero(left_end[left_end.shape[0] // 2] > 0.5)
    assert columns.min() >= left_end.shape[1] // 2, "what is left of the canvas lies right of the seam"


def test_masks_lie_over_the_extended_canvas_of_outpainting() -> None:
    plan = plan_outpaint(Outpaint(image=random_picture(64, 64), right=64), SIZING, native_inpaint=False)
    assert plan.view is not None
    assert (plan.view.width, plan.view.height) == (128, 64)
    _, new = shares(plan, mask_picture(128, 64, (64, 0, 64, 64)))
    assert new[:, -1].min() == 1
    assert new[:, 0].max() == 0


@pytest.mark.parametrize("unit", [4, 8])
def test_masks_are_enlarged_with_a_picture_in_tiles(unit: int) -> None:
    plan = plan_upscale(Upscale(image=random_picture(100, 60), scale=4), SIZING)
    _, left = shares(plan, mask_picture(100, 60, (0, 0, 50, 60)), unit=unit)
    assert left.shape == (plan.height // unit, plan.width // unit)
    # Enlarging rings a little beside an edge.
    assert (left[:, : 192 // unit] > 0.95).all()
    assert (left[:, 208 // unit :] < 0.05).all()


@pytest.mark.parametrize("wrong", [PixelFormat.RGB8, PixelFormat.RGBA8])
def test_a_mask_in_colours_is_refused_by_its_number(wrong: PixelFormat) -> None:
    regions: Sequence[Region] = (
        Region(mask=mask_picture(8, 8), prompt=""),
        Region(mask=random_picture(8, 8, wrong), prompt=""),
    )
    with pytest.raises(BridgeError) as caught:
        check_regions(regions)
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_FIELD, "task.regions[1].mask")
