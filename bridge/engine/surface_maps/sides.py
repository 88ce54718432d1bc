"""What lies beyond the sides of a map: the opposite side where it wraps, its own mirror image elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from bridge.engine.conversion import Floats
from bridge.protocol.tasks import Seamless

Spectrum = npt.NDArray[Any]
"""Complex where a side wraps, real otherwise."""


@dataclass(frozen=True)
class Sides:
    """How a map continues.

    Attributes:
        wrap_x: across left and right it continues with the opposite side, else with its mirror image.
        wrap_y: likewise across top and bottom.
    """

    wrap_x: bool = False
    wrap_y: bool = False

    @classmethod
    def of(cls, seamless: Seamless) -> Sides:
        """As a task says it."""
        return cls("x" in seamless, "y" in seamless)

    @property
    def wraps(self) -> tuple[bool, bool]:
        """By axis of an array: rows, columns."""
        return self.wrap_y, self.wrap_x

    def padded(self, plane: Floats, margin: int) -> Floats:
        """A map (height, width) with so many pixels more on every side."""
        for axis, wraps in enumerate(self.wraps):
            widths = [(0, 0), (0, 0)]
            widths[axis] = (margin, margin)
            plane = np.pad(plane, widths, mode="wrap" if wraps else "symmetric")
        return plane

    def smoothed(self, plane: Floats, sigma: float) -> Floats:
        """A map (height, width) under a Gaussian of this standard deviation, px.

        The discrete Gaussian, which the Laplacian generates (Lindeberg, "Scale-space for discrete signals", 1990): in
        the frequency domain it costs the same however wide it is.
        """
        spectrum = self._transformed(plane)
        spectrum *= np.exp(self.eigenvalues(*plane.shape) * np.float32(-0.5 * sigma**2))
        return self._back(spectrum, plane.shape[1])

    def difference(self, plane: Floats, axis: int) -> Floats:
        """Each pixel's successor minus itself along an axis; 0 at the end of a side that does not wrap."""
        step: Floats = np.roll(plane, -1, axis) - plane
        if not self.wraps[axis]:
            step[(slice(None),) * axis + (-1,)] = 0
        return step

    def between(self, plane: Floats, axis: int) -> Floats:
        """Means of each pixel and its successor, which is where `difference` holds."""
        following = np.roll(plane, -1, axis)
        return np.asarray((plane + following) / 2, np.float32)

    def divergence(self, down: Floats, across: Floats) -> Floats:
        """Of a field of such differences: the negative adjoint of `difference`."""
        total = np.zeros_like(down)
        for axis, field in enumerate((down, across)):
            total += field - np.roll(field, 1, axis)
        return total

    def solve_poisson(self, source: Floats, gain: Floats | None = None) -> Floats:
        """The map of mean 0 whose Laplacian (divergence of differences) is `source`, in the least-squares sense.

        A sine or cosine of the sides' own kind diagonalises the Laplacian, so this is one division in the frequency
        domain: Frankot and Chellappa, "A method for enforcing integrability in shape from shading algorithms", 1988,
        with cosines at sides that do not wrap.

        Args:
            source: (height, width).
            gain: factor for every frequency, of the shape of `eigenvalues`.
        """
        spectrum = self._transformed(source)
        eigenvalues = self.eigenvalues(*source.shape)
        eigenvalues[0, 0] = np.inf  # the mean is nothing that differences can tell
        spectrum /= -eigenvalues
        if gain is not None:
            spectrum *= gain
        return self._back(spectrum, source.shape[1])

    def eigenvalues(self, height: int, width: int) -> Floats:
        """Of the negative Laplacian, at each frequency; close to the angular frequency squared, in px⁻²."""
        rows = _eigenvalues(height, height, self.wrap_y)
        columns = _eigenvalues(width, width // 2 + 1 if self.wrap_x else width, self.wrap_x)
        return (rows[:, None] + columns[None, :]).astype(np.float32)

    def _transformed(self, plane: Floats) -> Spectrum:
        across = fft.rfft(plane, axis=1) if self.wrap_x else fft.dct(plane, axis=1)
        return np.asarray(fft.fft(across, axis=0) if self.wrap_y else _both(fft.dct, across))

    def _back(self, spectrum: Spectrum, width: int) -> Floats:
        across = fft.ifft(spectrum, axis=0) if self.wrap_y else _both(fft.idct, spectrum)
        plane = fft.irfft(across, width, axis=1) if self.wrap_x else fft.idct(across.real, axis=1)
        return np.asarray(plane, np.float32)


def _both(transform: Callable[..., Any], values: Spectrum) -> Spectrum:
    """A real transform along the rows' axis, of the real and the imaginary part."""
    if np.iscomplexobj(values):
        return np.asarray(transform(values.real, axis=0) + 1j * transform(values.imag, axis=0))
    return np.asarray(transform(values, axis=0))


def _eigenvalues(length: int, count: int, wraps: bool) -> Floats:
    turn = 2 * np.pi if wraps else np.pi
    return (2 - 2 * np.cos(turn * np.arange(count) / length)).astype(np.float32)
