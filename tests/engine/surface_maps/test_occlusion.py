"""Occlusion against pits and trenches whose visible sky is known."""

import numpy as np
import pytest

from bridge.engine.surface_maps.occlusion import occlusion_of
from bridge.engine.surface_maps.sides import Sides

from .fields import map_of, texture


def pit(radius: float, depth: float, side: int = 401) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    return np.where(np.hypot(x, y) < radius, -depth, 0).astype(np.float32)


@pytest.mark.parametrize(("down", "across"), [(0.0, 0.0), (0.75, -1.5)])
def test_an_open_plane_sees_all_of_its_sky_however_steep_it_is(down, across):
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    inner = occlusion_of(down * y + across * x, Sides())[12:-12, 12:-12]
    np.testing.assert_allclose(inner, 1, atol=0.02)


@pytest.mark.parametrize(("radius", "depth"), [(10, 10), (20, 10), (20, 40), (40, 40)])
def test_the_middle_of_a_pit_sees_what_its_wall_leaves(radius, depth):
    seen = occlusion_of(pit(radius, depth), Sides())
    known = 1 / (1 + (depth / radius) ** 2)  # the cosine-weighted share of a cone
    assert seen[200, 200] == pytest.approx(known, abs=0.06)
    assert seen[20, 20] == pytest.approx(1, abs=0.01)


def test_the_middle_of_a_trench_sees_what_its_walls_leave():
    y = np.abs(np.arange(401) - 200)
    field = np.where(y < 20, -20.0, 0.0).astype(np.float32)[:, None] * np.ones((1, 401), np.float32)
    known = 1 / np.sqrt(1 + 1)  # the sine of the angle to the rim
    assert occlusion_of(field, Sides(wrap_x=True))[200, 200] == pytest.approx(known, abs=0.06)


def test_a_deeper_relief_is_darker():
    rgb = texture()
    means = [map_of(rgb, "occlusion", relief=relief, seamless="xy").mean() for relief in (0, 1, 4, 16)]
    assert means[0] == pytest.approx(1, abs=1e-5)
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.9


def test_it_can_be_stopped_between_directions():
    class StopError(Exception):
        pass

    def stop(done: int) -> None:
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        occlusion_of(pit(5, 5, 41), Sides(), stop)
