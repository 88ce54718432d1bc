"""Estimates come from the steps that were made."""

import pytest

from bridge.daemon.steptimer import StepTimer


def test_nothing_is_guessed_before_two_steps():
    timer = StepTimer(images=1)
    timer.observe(0.0, 0, 1)
    assert timer.remaining(0, 1, 20) is None


def test_even_steps_give_an_exact_estimate():
    timer = StepTimer(images=2)
    for step in range(1, 6):
        timer.observe(step * 0.5, 0, step)
    left_of_this = 20 + StepTimer.TAIL_STEPS - 5
    whole_other = 20 + StepTimer.TAIL_STEPS
    assert timer.remaining(0, 5, 20) == pytest.approx((left_of_this + whole_other) * 0.5)


def test_time_between_images_is_no_step():
    timer = StepTimer(images=2)
    timer.observe(0.0, 0, 1)
    timer.observe(1.0, 0, 2)
    timer.observe(60.0, 1, 1)
    assert timer.remaining(1, 1, 4) == pytest.approx(5.0)


def test_the_fraction_rises_from_nothing_to_all():
    timer = StepTimer(images=3)
    seen = [timer.fraction(image, step, 10) for image in range(3) for step in range(11)]
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert 0.9 < seen[-1] <= 1.0
