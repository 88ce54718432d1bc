"""Triangles to pixels, fills and looks: what runs without Blender."""

from __future__ import annotations

import array
import threading
from pathlib import Path

import numpy as np
import pytest
from blender_addon.pictures import HostPixels, png
from blender_addon.projection.adapters import guide_adapters
from blender_addon.projection.course import Course, Finish
from blender_addon.projection.filling import filled, grown, sampled
from blender_addon.projection.keeping import SURFACE, Kept, Wearer, keep, load
from blender_addon.projection.looks import read_png, rgb_picture
from blender_addon.projection.placement import directions
from blender_addon.projection.raster import NEAR, clipped, fragments, see
from blender_addon.projection.shelf import path_of
from blender_addon.projection.stopping import Stopped, stoppable
from blender_addon.projection.surface import OCCLUDER, Shown, Surface, Texture
from blender_addon.projection.views import View
from blender_addon.requests import Wishes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bridge.protocol import messages, tasks
from bridge.protocol.errors import BridgeError

CLIP = np.array([[2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, -1.0, -0.2], [0, 0, -1.0, 0]])
"""A lens that sees half a unit to every side at a distance of 1."""
corners = arrays.arrays(np.float64, (3, 2), elements=st.floats(-20, 40, allow_nan=False, width=32))


def eye(width: int = 64, height: int = 64) -> View:
    """A camera at the origin that looks along -z."""
    return View("eye", np.eye(4), CLIP, width, height)


def square(depth: float, half: float) -> np.ndarray:
    """Two triangles that face the camera."""
    a, b, c, d = ((x * half, y * half, -depth) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
    return np.array([[a, b, c], [a, c, d]])


def scenery(*squares: tuple[float, float, int]) -> Surface:
    """Squares before the camera: depth, half a side, texture. Each wears the whole of its texture."""
    places = np.concatenate([square(depth, half) for depth, half, _ in squares])
    uvs = np.tile([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], (len(squares), 1, 1)).astype(float)
    texture = np.repeat([which for _, _, which in squares], 2)
    return Surface(places, uvs, texture, np.zeros(len(places), dtype=bool), np.zeros(places.shape))


def texture(value: float = 100.0, side: int = 32, *, known: bool = True) -> Texture:
    """One of a single colour."""
    return Texture("grey", np.full((side, side, 4), value), np.full((side, side), known))


@given(corners)
@settings(max_examples=200, deadline=None)
def test_a_triangle_covers_the_pixels_whose_centres_it_holds(triangle: np.ndarray):
    width, height = 24, 17
    (a, b, c) = triangle
    double = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    found = np.zeros(width * height, dtype=bool)
    for part in fragments(triangle[None], width, height):
        found[part.pixel] = True
        rows, columns = np.divmod(part.pixel, width)
        np.testing.assert_allclose(part.share @ triangle, np.stack([columns + 0.5, rows + 0.5], 1), atol=1e-4)
    if abs(double) < 1e-3:
        return
    y, x = np.mgrid[:height, :width] + 0.5
    shares = [((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])) / double for p, q in ((a, b), (b, c), (c, a))]
    least = np.min(shares, axis=0).ravel()
    assert found[least > 1e-6].all()
    assert not found[least < -1e-6].any()


def test_the_nearer_of_two_is_seen_whatever_their_order():
    for order in ([0, 1], [1, 0]):
        near, far = (1.0, 0.2, 0), (3.0, 1.2, 1)
        surface = scenery(*[(near, far)[index] for index in order])
        seen = see(eye(), surface.corners)
        assert np.isclose(seen.depth[32, 32], 1.0)
        assert np.isclose(seen.depth[32, 8], 3.0)
        assert surface.texture[seen.triangle[32, 32]] == 0


def test_shares_are_those_on_the_slanted_triangle_and_not_those_in_the_picture():
    slanted = np.array([[(-0.5, -0.5, -1.0), (2.0, -2.0, -4.0), (0.0, 2.0, -4.0)]])
    seen = see(eye(), slanted)
    row, column = np.nonzero(seen.triangle == 0)
    places = np.einsum("nk,kc->nc", seen.share[row, column], slanted[0])
    again, _, depth = eye().project(places)
    np.testing.assert_allclose(again, np.stack([column + 0.5, row + 0.5], axis=1), atol=1e-9)
    np.testing.assert_allclose(depth, seen.depth[row, column], atol=1e-9)


def test_what_is_behind_the_camera_is_not_seen():
    surface = np.array([[(0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (0.0, 1.0, 2.0)]])
    assert (see(eye(), surface).triangle == -1).all()


def floor(height: float = 0.4, reach: float = 10.0) -> Surface:
    """A square floor below the camera, as much of it behind as before; it wears texture 0."""
    a, b, c, d = ((x * reach, -height, z * reach) for x, z in ((-1, 1), (1, 1), (1, -1), (-1, -1)))
    corners = np.array([[a, b, c], [a, c, d]])
    uvs = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], dtype=float)
    return Surface(corners, uvs, np.zeros(2, dtype=int), np.zeros(2, dtype=bool), np.zeros(corners.shape))


def test_a_floor_that_the_camera_stands_on_is_seen_up_to_the_horizon_at_its_depth():
    seen = see(eye(), floor().corners)
    rows = (np.arange(64) + 0.5) / 64 - 0.5  # at a distance of 1
    expected = np.where(rows < -0.4 / 10, 0.4 / np.maximum(-rows, 1e-9), np.inf)
    np.testing.assert_allclose(seen.depth, np.repeat(expected[:, None], 64, axis=1), rtol=1e-6)
    row, column = np.nonzero(seen.triangle >= 0)
    places = np.einsum("nk,nkc->nc", seen.share[row, column], floor().corners[seen.triangle[row, column]])
    again, _, _ = eye().project(places)
    np.testing.assert_allclose(again, np.stack([column + 0.5, row + 0.5], axis=1), atol=1e-5)


@given(arrays.arrays(np.float64, (3, 3), elements=st.floats(-5, 5, allow_nan=False, width=32)))
@settings(max_examples=200, deadline=None)
def test_pieces_of_a_cut_triangle_lie_in_it_and_before_the_camera(triangle: np.ndarray):
    pieces, owner, shares = clipped(eye(), triangle[None])
    assert (owner == 0).all()
    assert (shares > -1e-9).all()
    np.testing.assert_allclose(shares.sum(axis=2), 1)
    assert (-pieces[..., 2] > NEAR / 2).all()
    assert len(pieces) == [0, 1, 2, 1][np.count_nonzero(-triangle[:, 2] > NEAR)]


def test_the_floor_is_painted_where_it_is_seen_and_hides_what_lies_below():
    ground = texture(known=False)
    course = Course(floor(), [ground], [eye()], Wishes())
    painted(course, 200)
    assert ground.changed.any()
    assert not ground.changed[:16].any()  # behind the camera
    below = scenery((2.0, 0.1, 1))
    below.corners[..., 1] -= 0.7
    both = Surface(*(np.concatenate([getattr(each, name) for each in (floor(), below)]) for name in SURFACE))
    hidden = texture()
    painted(Course(both, [texture(), hidden], [eye()], Wishes()), 200)
    assert not hidden.changed.any()


def test_a_fill_continues_what_is_known_and_changes_none_of_it():
    values, known = np.zeros((37, 50, 1)), np.zeros((37, 50), dtype=bool)
    values[:, :5], known[:, :5] = 10, True
    values[:, -5:], known[:, -5:] = 30, True
    found = filled(values, known)
    assert (found[known] == values[known]).all()
    assert found.min() >= 10
    assert found.max() <= 30
    assert found[18, 8, 0] < 15 < 25 < found[18, 41, 0]
    middle = filled(np.full((8, 8, 1), 7.0), np.eye(8, dtype=bool))
    np.testing.assert_allclose(middle, 7)


def test_margins_grow_by_as_many_pixels_as_were_asked_for():
    values, known = np.full((20, 20, 1), 9.0), np.zeros((20, 20), dtype=bool)
    known[10, 10] = True
    found, reached = grown(values * known[..., None], known, 3)
    assert reached.sum() == 49
    assert (found[reached] == 9).all()


def test_sampling_repeats_or_goes_on_beyond_the_sides():
    values = np.arange(4.0)[None, :, None]
    places, row = np.array([0.5, 2.0, 4.0]), np.full(3, 0.5)
    np.testing.assert_allclose(sampled(values, places, row)[:, 0], [0, 1.5, 3])
    np.testing.assert_allclose(sampled(values, places, row, wrap=True)[:, 0], [0, 1.5, 1.5])


def test_a_picture_for_blender_is_read_again_as_it_was():
    values = np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    assert (read_png(png(rgb_picture(values))) == values).all()


def painted(course: Course, value: int) -> tasks.Generation:
    """Let a view be painted in one colour; returns what was asked for."""
    task = course.next()
    size = task.image.height, task.image.width, 3
    course.take(png(rgb_picture(np.full(size, value, dtype=np.uint8))))
    return task


def test_an_occluder_keeps_what_is_behind_it_and_is_not_painted_itself():
    wall = texture()
    course = Course(scenery((1.0, 0.2, OCCLUDER), (2.0, 0.6, 0)), [wall], [eye()], Wishes())
    task = painted(course, 200)
    assert isinstance(task, tasks.ImageToImage)
    assert wall.pixels[16, 16, 0] == 100
    assert wall.pixels[16, 2, 0] == 200
    assert not wall.changed[12:20, 12:20].any()


def test_a_face_that_is_turned_away_is_not_painted():
    turned = scenery((1.0, 0.3, 0))
    away = Surface(turned.corners[:, ::-1], turned.uvs[:, ::-1], turned.texture, turned.flipped, turned.shading)
    assert Course(away, [texture()], [eye()], Wishes()).next() is None
    mirrored = Surface(away.corners, away.uvs, away.texture, ~away.flipped, away.shading)
    assert Course(mirrored, [texture()], [eye()], Wishes()).next() is not None


def test_the_second_view_asks_for_what_the_first_one_did_not_see():
    second = np.eye(4)
    second[0, 3] = -0.5  # half a unit to the right
    wall = texture(known=False)
    views = [eye(), View("right", second, CLIP, 64, 64)]
    course = Course(scenery((1.0, 0.8, 0)), [wall], views, Wishes())
    assert isinstance(painted(course, 50), tasks.ImageToImage)
    task = course.next()
    mask = np.frombuffer(task.mask.pixels, np.uint8).reshape(64, 64)
    shown = np.frombuffer(task.image.pixels, np.uint8).reshape(64, 64, 4)
    assert isinstance(task, tasks.Inpaint)
    assert task.fill == "original"
    assert (mask[12:52, 36:50] == 255).all()
    assert (mask[12:52, 4:22] == 0).all()
    assert (shown[12:52, 4:22, :3] == 50).all()  # it sees what the first one painted


def test_the_end_leaves_no_texel_without_a_colour_and_those_that_were_there_alone():
    done = []
    for each in (texture(128, known=False), texture(77)):
        course = Course(scenery((1.0, 0.9, 0)), [each], [eye()], Wishes(), ending=Finish(margin=2, fill=True))
        painted(course, 200)
        done += course.finished()
    new, old = done
    assert (new.pixels[..., :3] == 200).all()
    assert old.pixels[0, 0, 0] == 77
    assert old.pixels[16, 16, 0] == 200


def test_adapters_of_the_models_family_guide_by_what_they_follow():
    kinds = (
        ("sdxl-depth", "controlnet", "sdxl"), ("canny", "controlnet", "sd15"), ("depth-15", "t2i-adapter", "sd15"),
        ("normalbae", "controlnet", "sd15"), ("lineart", "controlnet", "sd15"), ("normal", "lora", "sdxl"),
    )  # fmt: skip
    adapters = tuple(messages.AdapterInfo(name, kind, family=family) for name, kind, family in kinds)
    models = (messages.ModelInfo("first", family="sd15"), messages.ModelInfo("other", family="sdxl"))
    welcome = messages.Welcome(request_id=1, version=1, daemon="test", models=models, adapters=adapters)
    assert guide_adapters(None, "") == {}
    assert guide_adapters(welcome, "") == {"depth": "depth-15", "normal": "normalbae", "edges": "lineart"}
    assert guide_adapters(welcome, "other") == {"depth": "sdxl-depth"}


def guided(surface: Surface, what: str) -> np.ndarray:
    """(64, 64, 3) of the guiding picture that is sent, rows from the top."""
    (control,) = Course(surface, [texture()], [eye()], Wishes(), {what: "its-adapter"}).next().controls
    assert control.adapter == "its-adapter"
    return np.frombuffer(control.image.pixels, np.uint8).reshape(64, 64, 4)[..., :3]


def test_depth_is_white_where_it_is_near_and_black_where_there_is_nothing():
    depth = guided(scenery((1.0, 0.3, 0)), "depth")
    assert depth[32, 32, 0] > 0 == depth[0, 0, 0]


@pytest.mark.parametrize(
    ("slope", "colour"),
    [((0, 0), (128, 128, 255)), ((1, 0), (218, 128, 218)), ((0, 1), (128, 37, 218))],
    ids=["to the viewer", "to the left", "down"],
)
def test_normals_are_red_to_the_left_and_green_upwards(slope: tuple[int, int], colour: tuple[int, int, int]):
    surface = scenery((1.0, 0.2, 0))
    surface.corners[..., 2] += surface.corners[..., :2] @ slope  # nearer on the right: it looks to the left
    normal = guided(surface, "normal")
    assert np.abs(normal[32, 32].astype(int) - colour).max() <= 1
    assert normal[0, 0].tolist() == [128, 128, 255]


def test_normals_are_smooth_where_the_mesh_is_shaded_so_and_never_look_away():
    """A square that is shaded like a pillow, then one whose shading looks away from the camera."""
    surface = scenery((1.0, 0.2, 0))
    pillow = np.concatenate([surface.corners[..., :2] * 5, np.ones((2, 3, 1))], axis=2)
    surface.shading[...] = pillow / np.linalg.norm(pillow, axis=2, keepdims=True)
    place = (np.arange(20, 44) - 31.5) / 64  # of the pixels in a row before the eye
    expected = np.stack([-5 * place, np.full(24, -5 * 0.5 / 64), np.ones(24)], axis=1)  # red is left
    normal = guided(surface, "normal") / 127.5 - 1
    np.testing.assert_allclose(
        normal[32, 20:44], expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1 / 127
    )
    surface.shading[..., 2] = -0.9
    away = guided(surface, "normal")[32, 41] / 127.5 - 1
    line_of_sight = np.array([-place[21], -0.5 / 64, -1])
    assert abs(away @ line_of_sight) < 0.02


def test_edges_are_outlines_creases_and_steps_and_nothing_on_a_plane():
    near = guided(scenery((2.0, 0.9, 0), (1.0, 0.2, 0)), "edges")[..., 0]
    assert (near[32, [19, 44]] == 255).all()  # the outermost pixels of the near square
    assert (near[[19, 44], 32] == 255).all()
    assert not near[20:44, 20:44].any()
    assert not near[10:17, 10:54].any()
    slanted = scenery((1.5, 0.6, 0))
    slanted.corners[..., 2] += slanted.corners[..., 0] * 1.5
    assert not guided(slanted, "edges")[28:36, 26:38].any()
    roof = scenery((1.5, 0.3, 0))
    roof.corners[..., 2] -= np.abs(roof.corners[..., 0] - roof.corners[..., 1]) * 0.8
    assert guided(roof, "edges")[32, 30:34].any()  # along the diagonal where its two triangles meet


@pytest.mark.parametrize("arrangement", ["ring", "sphere"])
def test_cameras_stand_apart_from_each_other_all_around(arrangement: str):
    ways = np.array(directions(arrangement, 8, 0.3))
    np.testing.assert_allclose(np.linalg.norm(ways, axis=1), 1)
    close = ways @ ways.T - 2 * np.eye(8)
    assert close.max() < 0.75
    assert abs(ways.mean(axis=0)[:2]).max() < 0.1


def test_a_course_on_disk_goes_on_as_the_one_in_memory(tmp_path: Path):
    second = np.eye(4)
    second[0, 3] = -0.5
    views = [eye(), View("right", second, CLIP, 64, 64)]
    wall = texture(90)
    wall.pixels = wall.pixels.astype(np.float64)
    course = Course(scenery((1.0, 0.8, 0)), [wall], views, Wishes(), {"depth": "d"}, Finish(margin=2))
    painted(course, 50)
    asked = course.next()
    kept = Kept(course, [Wearer("painted", (("Cube", 0),))], {"Cube": [8, 7]}, 2, "j", 5, {"steps": 2})
    keep(kept, tmp_path / "course.npz")
    again = load(tmp_path / "course.npz")
    assert (again.wearers, again.shapes, again.total) == (kept.wearers, kept.shapes, 2)
    assert (again.awaits, again.seed, again.recipe) == ("j", 5, {"steps": 2})
    task = again.course.next()
    assert (task.mask, task.controls) == (asked.mask, asked.controls)
    now, then = (np.frombuffer(each.image.pixels, np.uint8).astype(int) for each in (task, asked))
    assert np.abs(now - then).max() <= 1  # what was painted is kept as float32
    picture = png(rgb_picture(np.full((64, 64, 3), 210, np.uint8)))
    for each in (course, again.course):
        each.take(picture)
        assert (each.next(), each.painted) == (None, 2)
    (one,), (other,) = course.finished(), again.course.finished()
    assert np.abs(one.pixels - other.pixels).max() < 1e-4
    assert (one.changed == other.changed).all()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{}"])
def test_a_broken_course_is_said_to_be_one(tmp_path: Path, content: bytes):
    (tmp_path / "course.npz").write_bytes(content)
    with pytest.raises(BridgeError, match="cannot be read"):
        load(tmp_path / "course.npz")


def test_a_stopped_view_paints_nothing_and_is_still_the_next():
    course = Course(scenery((1.0, 0.8, 0)), [texture(90)], [eye()], Wishes())
    asked, stop = course.next(), threading.Event()
    before = course.textures[0].pixels.copy()
    stop.set()
    with stoppable(stop):
        with pytest.raises(Stopped):
            course.take(png(rgb_picture(np.full((64, 64, 3), 210, np.uint8))))
        with pytest.raises(Stopped):
            course.next()
        with pytest.raises(Stopped):
            course.finished()
    assert (course.textures[0].pixels == before).all()
    assert (course.painted, course.next()) == (0, asked)


@pytest.mark.parametrize("course", ["", "../../x", "0" * 31, "g" * 32])
def test_a_course_has_no_id_that_leads_elsewhere(course: str):
    with pytest.raises(ValueError, match="no id"):
        path_of(course)


def test_of_places_that_share_texels_the_one_that_is_seen_best_is_painted():
    tilted = scenery((1.0, 0.3, 0), (2.0, 0.3, 0))
    tilted.corners[2:, :, 0] += 0.6
    tilted.corners[2:, :, 2] += np.where(tilted.corners[2:, :, 0] > 0.6, 0.5, -0.5)  # at an angle to the camera
    hidden = Surface(*(np.concatenate([part[2:], part[:2]]) for part in vars(tilted).values()))
    for surface in (tilted, hidden):
        course = Course(surface, [texture(0)], [eye()], Wishes())
        assert course.shared == {0: 1.0}
        course.next()
        ramp = np.zeros((64, 64, 3), np.uint8)
        ramp[:, :48] = 200  # the near one fills the middle, the tilted one stands at the right
        ramp[:, 52:] = 90
        course.take(png(rgb_picture(ramp)))
        assert course.textures[0].pixels[16, 16, 0] == 200


def test_texels_on_the_side_between_two_triangles_are_not_shared():
    assert Course(scenery((1.0, 0.8, 0)), [texture()], [eye()], Wishes()).shared == {}


def test_a_texture_is_made_of_what_blender_showed_when_the_worker_comes_to_it():
    values = np.linspace(0, 1, 3 * 2 * 4, dtype=np.float32)
    made = Shown("painted", 64, HostPixels(2, 3, array.array("f", values.tobytes()))).texture()
    np.testing.assert_array_equal(made.pixels, np.round(values.reshape(3, 2, 4) * 255.0))
    assert made.known.all()
    new = Shown("", 8).texture()
    assert (new.pixels.shape, new.known.any()) == ((8, 8, 4), False)


def test_courses_lie_with_the_data_and_not_with_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LATENT_BRIDGE_HOME", str(tmp_path))
    assert path_of("0" * 32).is_relative_to(tmp_path / "data")
