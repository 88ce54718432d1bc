"""How long a job will still take, from the steps that it has made. Pure: the caller gives the time."""

from __future__ import annotations

SMOOTHING = 0.3
"""Weight of the newest step in the running mean: adapts within a few steps, ignores a single hiccup."""


class StepTimer:
    """Progress of one job over all its images.

    The time after the last step of an image (decoding, finishing) is not known until one image is done; until then
    it counts as two steps, which is about right for latent diffusion.
    """

    TAIL_STEPS = 2

    def __init__(self, images: int) -> None:
        self._images = images
        self._mean: float | None = None
        self._last: float | None = None
        self._where = (0, 0)
        self._fraction = 0.0

    def observe(self, now: float, image: int, step: int) -> None:
        """Record that `step` of `image` was done at `now`, seconds of any monotonic clock."""
        if step == 0:
            return
        previous_image, previous_step = self._where
        if self._last is not None and image == previous_image and step > previous_step:
            each = (now - self._last) / (step - previous_step)
            self._mean = each if self._mean is None else (1 - SMOOTHING) * self._mean + SMOOTHING * each
        self._where = (image, step)
        self._last = now

    def remaining(self, image: int, step: int, steps: int) -> float | None:
        """Seconds until the whole job ends; None before two steps have been seen, and between the stages."""
        if self._mean is None or steps == 0:
            return None
        per_image = steps + self.TAIL_STEPS
        left = max(per_image - step, 0) + per_image * max(self._images - image - 1, 0)
        return left * self._mean

    def fraction(self, image: int, step: int, steps: int) -> float:
        """How much of the job is done, 0 to 1. Never falls: stages other than denoising have no steps to tell."""
        if steps:
            done = image * (steps + self.TAIL_STEPS) + step
            self._fraction = max(self._fraction, min(1.0, done / (self._images * (steps + self.TAIL_STEPS))))
        return self._fraction
