"""What holds for every map of a material, whatever the picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.measures import wrap_discontinuity_ratio
from bridge.engine.surface_maps.height import estimated_height
from bridge.engine.surface_maps.sides import Sides

from .fields import map_of, texture

NAMES = ("normal", "height", "roughness", "occlusion", "metallic")
CLOSE = 2e-3
"""Sums in another order: the frequency domain rounds differently when a picture is turned."""


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255).astype(np.uint8)


def rotated(name: str, values: np.ndarray) -> np.ndarray:
    """A map turned by a quarter to the left, and with it the directions that normals point in."""
    turned = np.rot90(values).copy()
    if name == "normal":
        x, y, z = np.moveaxis(turned, -1, 0)
        turned = np.stack((1 - y, x, z), axis=-1)
    return turned


def mirrored(name: str, values: np.ndarray) -> np.ndarray:
    """A map with left and right exchanged."""
    flipped = values[:, ::-1].copy()
    if name == "normal":
        flipped[..., 0] = 1 - flipped[..., 0]
    return flipped


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seamless", ["none", "xy"])
def test_a_picture_that_is_turned_or_mirrored_has_maps_that_are(name, seamless):
    rgb = texture()
    upright = map_of(rgb, name, seamless=seamless)
    np.testing.assert_allclose(map_of(np.rot90(rgb), name, seamless=seamless), rotated(name, upright), atol=CLOSE)
    np.testing.assert_allclose(map_of(rgb[:, ::-1], name, seamless=seamless), mirrored(name, upright), atol=CLOSE)


@settings(max_examples=15, deadline=None)
@given(down=st.integers(0, 95), across=st.integers(0, 127), name=st.sampled_from(NAMES))
def test_a_seamless_material_has_no_place_where_it_begins(down, across, name):
    rgb = texture()
    rolled = map_of(np.roll(rgb, (down, across), (0, 1)), name, seamless="xy")
    expected = np.roll(map_of(rgb, name, seamless="xy"), (down, across), (0, 1))
    np.testing.assert_allclose(rolled, expected, atol=CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_maps_of_a_seamless_texture_wrap_without_a_seam(name):
    ratios = [
        wrap_discontinuity_ratio(as_bytes(np.atleast_3d(map_of(texture(seed=seed), name, seamless="xy"))), axis)
        for seed in range(4)
        for axis in ("x", "y")
    ]
    assert np.median(ratios) <= 1.1


def test_a_flat_picture_has_flat_maps():
    grey = np.full((40, 30, 3), 0.4, np.float32)
    np.testing.assert_array_equal(map_of(grey, "height"), 0.5)
    np.testing.assert_allclose(map_of(grey, "normal"), np.broadcast_to([0.5, 0.5, 1], (40, 30, 3)), atol=1e-6)
    np.testing.assert_allclose(map_of(grey, "occlusion"), 1, atol=1e-5)
    np.testing.assert_allclose(map_of(grey, "roughness"), 0.6, atol=1e-4)
    np.testing.assert_array_equal(map_of(grey, "metallic"), 0)


@pytest.mark.parametrize("mean", [0.02, 0.1, 0.6, 0.95, 1.0])
def test_roughness_keeps_the_mean_that_was_asked_for(mean):
    rough = map_of(texture(), "roughness", roughness=mean)
    assert rough.mean() == pytest.approx(mean, abs=1e-3)
    assert rough.min() >= 0.019
    assert rough.max() <= 1.001


def test_dark_is_deep_or_light_is_as_was_asked():
    rgb = texture()
    dark_deep, light_deep = (map_of(rgb, "height", light_is_deep=light, detail=1) for light in (False, True))
    brightness = rgb.mean(-1)
    assert np.corrcoef(dark_deep.ravel(), brightness.ravel())[0, 1] > 0.5
    assert np.corrcoef(light_deep.ravel(), brightness.ravel())[0, 1] < -0.5


def test_height_reaches_from_lowest_to_highest_and_detail_is_the_finest_of_it():
    sharp, soft = (map_of(texture(512, 512), "height", detail=detail) for detail in (1, 0))
    for height in (sharp, soft):
        assert (height.min(), height.max()) == (0, 1)
    roughness = [np.abs(np.diff(height)).mean() for height in (sharp, soft)]
    assert roughness[1] < 0.8 * roughness[0]


def test_gold_may_be_a_metal_and_brick_and_moss_are_none():
    colours = np.array([[1.0, 0.886, 0.608], [0.65, 0.25, 0.2], [0.2, 0.4, 0.15]], np.float32)
    gold, brick, moss = map_of(colours[None].repeat(2, 0), "metallic")[0]
    assert gold > 0.99
    assert (brick, moss) == (0, 0)


@pytest.mark.parametrize("sides", [Sides(), Sides(True, False), Sides(False, True), Sides(True, True)])
@pytest.mark.parametrize("shape", [(24, 32), (25, 31), (1, 9), (2, 2)])
def test_a_field_is_found_again_from_its_differences(sides, shape):
    field = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    down, across = (sides.difference(field, axis) for axis in (0, 1))
    found = sides.solve_poisson(sides.divergence(down, across))
    np.testing.assert_allclose(found, field - field.mean(), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (300, 2)])
def test_any_size_will_do(shape):
    rgb = np.random.default_rng(2).random((*shape, 3), np.float32)
    for name in NAMES:
        for seamless in ("none", "x", "y", "xy"):
            values = map_of(rgb, name, seamless=seamless)
            assert values.shape[:2] == shape
            assert np.isfinite(values).all()
            assert values.min() >= 0
            assert values.max() <= 1


def test_the_height_of_a_black_picture_is_no_noise():
    assert np.ptp(estimated_height(np.zeros((16, 16, 3), np.float32), Sides(), 1)) == 0
