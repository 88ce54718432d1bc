"""Skeletons are drawn in the colours and with the joints that ControlNets for poses were shown."""

from __future__ import annotations

import numpy as np

from bridge.engine.adapters.skeleton import JOINTS, Joint, drawn

NOBODY = [Joint(0, 0, 0.0)] * JOINTS
LEFT_SHOULDER, RIGHT_SHOULDER, RIGHT_ELBOW, NOSE = 5, 6, 8, 0


def person(**places: tuple[float, float]) -> list[Joint]:
    """Somebody of whom some joints are seen."""
    numbers = {"nose": NOSE, "left": LEFT_SHOULDER, "right": RIGHT_SHOULDER, "elbow": RIGHT_ELBOW}
    joints = list(NOBODY)
    for name, (x, y) in places.items():
        joints[numbers[name]] = Joint(x, y, 0.9)
    return joints


def colour(canvas: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(each) for each in np.rint(canvas[y, x] * 255))


def test_nobody_is_black() -> None:
    assert not drawn([], 40, 30).any()
    assert not drawn([NOBODY], 40, 30).any()


def test_joints_have_openpose_s_colours() -> None:
    canvas = drawn([person(nose=(100, 40), right=(60, 100), left=(140, 100))], 512, 512)
    assert colour(canvas, 100, 40) == (255, 0, 0)
    assert colour(canvas, 60, 100) == (255, 170, 0), "the right shoulder"
    assert colour(canvas, 140, 100) == (85, 255, 0), "the left one"


def test_the_neck_is_between_the_shoulders_and_there_without_a_nose() -> None:
    canvas = drawn([person(right=(60, 100), left=(140, 100))], 512, 512)
    assert colour(canvas, 100, 100) == (255, 85, 0)
    assert colour(canvas, 80, 100) == (153, 0, 0), "the limb to the right shoulder, dimmed"


def test_a_limb_is_there_only_between_joints_that_are_seen() -> None:
    whole = drawn([person(right=(60, 100), elbow=(60, 180))], 512, 512)
    assert colour(whole, 60, 140) == (153, 102, 0)
    unsure = person(right=(60, 100))
    unsure[RIGHT_ELBOW] = Joint(60, 180, 0.2)
    assert not drawn([unsure], 512, 512)[120:].any()


def test_a_joint_beyond_the_picture_draws_what_is_inside() -> None:
    canvas = drawn([person(right=(-20, 10), elbow=(30, 10))], 64, 64)
    assert canvas[10, 0].any()
    assert not drawn([person(right=(-50, -50), elbow=(-90, -50))], 64, 64).any()


def test_lines_are_as_thick_as_openpose_has_them_at_its_size() -> None:
    canvas = drawn([person(right=(100, 100), elbow=(300, 100))], 512, 512)
    assert np.count_nonzero(canvas[:, 200].any(-1)) == 8
    assert np.count_nonzero(drawn([person(right=(25, 25), elbow=(75, 25))], 128, 128)[:, 50].any(-1)) == 2
