# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera: from points of the world to pixels. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAREST = 1e-6
"""Homogeneous w up to which a point is behind the camera."""


@dataclass(frozen=True)
class View:
    """Where a picture is seen from. Pixels are counted from the lower left; the first one's centre is at 0.5, 0.5.

    Attributes:
        name: for people.
        to_view: 4 × 4, world to view space; the camera looks along -z.
        to_clip: 4 × 4, view to clip space: perspective or orthographic, shifted or not.
        width: pixels.
        height: pixels.
    """

    name: str
    to_view: np.ndarray
    to_clip: np.ndarray
    width: int
    height: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where points are seen.

        Args:
            points: (…, 3), world.

        Returns:
            Pixels (…, 2), homogeneous w (…) and depth along the axis of the view (…), in units of the world. A point
            whose w is at most `NEAREST` is not before the camera; its pixel is not a number.
        """
        seen = points @ self.to_view[:3, :3].T + self.to_view[:3, 3]
        clip = seen @ self.to_clip[:, :3].T + self.to_clip[:, 3]
        w = clip[..., 3]
        safe = np.where(w > NEAREST, w, np.nan)
        places = clip[..., :2] / safe[..., None] * 0.5 + 0.5
        return places * (self.width, self.height), w, -seen[..., 2]

    @property
    def is_perspective(self) -> bool:
        """Whether what is farther away is smaller."""
        return bool(abs(self.to_clip[3, 2]) > NEAREST)

    def towards(self, points: np.ndarray) -> np.ndarray:
        """Unit vectors from points (N, 3) to the eye."""
        back = np.linalg.inv(self.to_view)
        if not self.is_perspective:
            return np.broadcast_to(back[:3, 2] / np.linalg.norm(back[:3, 2]), points.shape)
        away = back[:3, 3] - points
        return away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12)

    def pixel_size(self, depth: np.ndarray) -> np.ndarray:
        """Side of a pixel at a depth, in units of the world."""
        side = 2 / (abs(self.to_clip[1, 1]) * self.height)
        return depth * side if self.is_perspective else np.full_like(depth, side)
