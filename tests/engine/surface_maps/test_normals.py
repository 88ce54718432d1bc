"""Normals against calculus: the field is known, and so is every normal of it."""

import numpy as np
import pytest

from bridge.engine.surface_maps.normals import as_colours, normals_of, slopes_of
from bridge.engine.surface_maps.sides import Sides

from .fields import angles_between, hemisphere, map_of, normals_from, sines, texture

WRAPPING = Sides(wrap_x=True, wrap_y=True)


@pytest.mark.parametrize("side", [256, 255])
def test_normals_of_crossed_sines_are_those_of_calculus(side):
    field, expected = sines(side, (4, 3), amplitude=8)
    errors = angles_between(normals_of(*slopes_of(field, WRAPPING)), expected)
    assert errors.mean() < 0.05
    assert errors.max() < 0.2


def test_normals_of_a_hemisphere_are_its_radii():
    field, expected, inside = hemisphere(256, radius=120)
    errors = angles_between(normals_of(*slopes_of(field, Sides())), expected)[inside]
    assert errors.mean() < 0.01
    assert errors.max() < 0.05


@pytest.mark.parametrize(("down", "across"), [(0.5, -1.25), (0, 2), (0, 0)])
def test_a_plane_has_one_normal_up_to_its_edges(down, across):
    y, x = np.mgrid[0:16, 0:20].astype(np.float32)
    found = normals_of(*slopes_of(down * y + across * x, Sides()))
    expected = normals_from(np.full((16, 20), across, float), np.full((16, 20), down, float))
    assert angles_between(found, expected).max() < 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (7, 2)])
@pytest.mark.parametrize("sides", [Sides(), WRAPPING])
def test_a_field_of_hardly_any_pixels_has_normals_too(shape, sides):
    normals = normals_of(*slopes_of(np.random.default_rng(0).random(shape, np.float32), sides))
    assert normals.shape == (*shape, 3)
    assert np.isfinite(normals).all()


def test_normals_have_length_one_and_point_out_of_the_surface():
    normals = map_of(texture(), "normal", relief=20) * 2 - 1
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 1e-5
    assert normals[..., 2].min() > 0


def test_in_sixteen_bits_the_error_stays_below_a_hundredth_of_a_degree():
    _, normals = sines(128, (3, 2), amplitude=6)
    stored = np.rint(as_colours(normals.astype(np.float32)) * 65535) / 65535 * 2 - 1
    assert angles_between(stored, normals).max() < 0.01


def test_green_points_down_for_directx_and_nothing_else_changes():
    rgb = texture()
    opengl, directx = (map_of(rgb, "normal", normal_convention=name) for name in ("opengl", "directx"))
    np.testing.assert_allclose(directx[..., 1], 1 - opengl[..., 1], atol=1e-6)
    np.testing.assert_array_equal(directx[..., ::2], opengl[..., ::2])
    assert np.ptp(opengl[..., 1]) > 0.1
