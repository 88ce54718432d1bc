"""What is known of pixel formats follows from their names."""

import pytest

from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat


@pytest.mark.parametrize(
    ("name", "channels", "nbytes", "alpha", "is_float"),
    [
        ("gray8", 1, 1, False, False),
        ("graya8", 2, 2, True, False),
        ("rgb8", 3, 3, False, False),
        ("bgra8", 4, 4, True, False),
        ("rgb16", 3, 6, False, False),
        ("rgba16f", 4, 8, True, True),
        ("gray32f", 1, 4, False, True),
        ("rgba32f", 4, 16, True, True),
    ],
)
def test_formats(name, channels, nbytes, alpha, is_float):
    found = PixelFormat(name)
    assert (found.channels, found.bytes_per_pixel, found.has_alpha, found.is_float) == (
        channels,
        nbytes,
        alpha,
        is_float,
    )


@pytest.mark.parametrize(("width", "height", "nbytes"), [(2, 2, 3), (0, 1, 0), (70000, 1, 70000), (-1, -1, 1)])
def test_pictures_of_impossible_size_are_refused(width, height, nbytes):
    with pytest.raises(BridgeError):
        Picture(width, height, PixelFormat.GRAY8, bytes(nbytes))
