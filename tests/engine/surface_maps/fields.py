"""Height fields whose normals are known by calculus, and pictures that wrap."""

from __future__ import annotations

import numpy as np

from bridge.client.images import as_picture
from bridge.engine.surface_maps.surface import Surface
from bridge.protocol.tasks import SurfaceMap, SurfaceMaps


def angles_between(normals: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Degrees between unit vectors (…, 3). By the chord, as an arc cosine of almost 1 is nothing but rounding."""
    chord = np.linalg.norm(normals.astype(np.float64) - others, axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))


def normals_from(slope_x: np.ndarray, slope_down: np.ndarray) -> np.ndarray:
    """OpenGL normals (…, 3) of a field with these slopes."""
    raw = np.stack((-slope_x, slope_down, np.ones_like(slope_x)), axis=-1)
    return raw / np.linalg.norm(raw, axis=-1, keepdims=True)


def sines(side: int, periods: tuple[int, int], amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    """A field of crossed sines in px that wraps, and its normals."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float64)
    across, down = (2 * np.pi * count / side for count in periods)
    field = amplitude * np.sin(across * x) * np.cos(down * y)
    slope_x = amplitude * across * np.cos(across * x) * np.cos(down * y)
    slope_down = -amplitude * down * np.sin(across * x) * np.sin(down * y)
    return field.astype(np.float32), normals_from(slope_x, slope_down)


def hemisphere(side: int, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half a ball in px, its normals, and where they are looked at: not at the rim, where it is vertical."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    inside = x**2 + y**2 < (0.8 * radius) ** 2
    rise = np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    safe = np.where(inside, rise, 1.0)
    return rise.astype(np.float32), normals_from(-x / safe, -y / safe), inside


def texture(height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    """Smooth coloured noise (height, width, 3), 0 to 1, that wraps on all sides."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])[..., None]
    spectrum = np.fft.fft2(rng.normal(size=(height, width, 3)), axes=(0, 1)) / (0.02 + frequency) ** 1.2
    noise = np.fft.ifft2(spectrum, axes=(0, 1)).real
    noise -= noise.mean((0, 1))
    return (0.5 + 0.15 * np.clip(noise / noise.std(), -3, 3)).astype(np.float32)


def map_of(rgb: np.ndarray, name: SurfaceMap, **asked: object) -> np.ndarray:
    """One map of a base colour, as floats."""
    return Surface(rgb, SurfaceMaps(image=as_picture(np.ascontiguousarray(rgb)), **asked)).map(name)
