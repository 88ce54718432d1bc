"""Pictures from what callers have, and back. numpy and pillow are used when the caller brings them, never needed."""

from __future__ import annotations

import array
import ctypes
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Buffer, Picture, PixelFormat
from bridge.protocol.tasks import Layer

if TYPE_CHECKING:
    import numpy
    from PIL import Image

ImageLike = Any
"""A `Picture`, a pillow image, a numpy array or anything with `__array_interface__`, or a tuple
`(pixels, width, height, format)` of bytes-like, two numbers and a `PixelFormat` or its name."""

_PIL_FORMATS = {
    "L": PixelFormat.GRAY8,
    "LA": PixelFormat.GRAYA8,
    "RGB": PixelFormat.RGB8,
    "RGBA": PixelFormat.RGBA8,
    "I;16": PixelFormat.GRAY16,
    "F": PixelFormat.GRAY32F,
}
_PIL_CONVERSIONS = {"1": "L", "RGBa": "RGBA", "La": "LA", "PA": "RGBA", "I": "I;16"}

_ARRAY_FORMATS = {
    ("u1", 1): PixelFormat.GRAY8,
    ("u1", 2): PixelFormat.GRAYA8,
    ("u1", 3): PixelFormat.RGB8,
    ("u1", 4): PixelFormat.RGBA8,
    ("u2", 1): PixelFormat.GRAY16,
    ("u2", 3): PixelFormat.RGB16,
    ("u2", 4): PixelFormat.RGBA16,
    ("f2", 4): PixelFormat.RGBA16F,
    ("f4", 1): PixelFormat.GRAY32F,
    ("f4", 3): PixelFormat.RGB32F,
    ("f4", 4): PixelFormat.RGBA32F,
}


def as_picture(image: ImageLike) -> Picture:
    """The picture in any of the accepted forms. Arrays are height × width, or height × width × 1 to 4 channels.

    uint8, uint16 and bool arrays use their whole range; floats are 0 to 1. A contiguous array is not copied.

    Raises:
        BridgeError: `invalid_field` for anything that is not a picture.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, tuple) and len(image) == 4:
        pixels, width, height, name = image
        if name not in {member.value for member in PixelFormat}:  # members are equal to their values
            raise _not_a_picture(f"There is no pixel format {name!r}.", "Use one of `PixelFormat`.")
        return Picture(width, height, PixelFormat(name), pixels)
    if hasattr(image, "mode") and hasattr(image, "tobytes") and hasattr(image, "convert"):
        return _from_pil(image)
    if hasattr(image, "__array_interface__"):
        return _from_array(image)
    raise _not_a_picture(f"A {type(image).__name__} is not a picture.")


def as_mask(mask: ImageLike) -> Picture:
    """A gray8 mask from any form that `as_picture` accepts: white repaints, black keeps. Alpha counts as coverage.

    Raises:
        BridgeError: `invalid_field`, also for a picture in colour.
    """
    if hasattr(mask, "mode") and hasattr(mask, "convert") and mask.mode not in _PIL_FORMATS:
        mask = mask.convert("LA" if "A" in mask.mode or "transparency" in mask.info else "L")
    picture = as_picture(mask)
    if picture.format is PixelFormat.GRAY8:
        return picture
    channels = picture.format.channels
    colours = channels - picture.format.has_alpha
    planes = _planes8(picture)
    if any(plane != planes[0] for plane in planes[1:colours]):
        raise _not_a_picture("The mask is a picture in colour.", "Give one that is black where nothing may change.")
    grey = planes[0]
    if picture.format.has_alpha:
        grey = bytes(value * alpha // 255 for value, alpha in zip(grey, planes[-1], strict=True))
    return Picture(picture.width, picture.height, PixelFormat.GRAY8, grey)


def picture_to_numpy(picture: Picture) -> numpy.ndarray[Any, Any]:
    """A read-only view: height × width for grey, else height × width × channels, in the order of the format."""
    import numpy

    kind = "f" if picture.format.is_float else "u"
    array_ = numpy.frombuffer(picture.pixels, dtype=f"<{kind}{picture.format.bytes_per_channel}")
    shape = (picture.height, picture.width, picture.format.channels)
    return array_.reshape(shape[:2] if picture.format.channels == 1 else shape)


def layer_to_numpy(layer: Layer) -> numpy.ndarray[Any, Any]:
    """The pixels of a layer, see `picture_to_numpy`."""
    return picture_to_numpy(layer.picture)


def picture_to_pil(picture: Picture) -> Image.Image:
    """A pillow image. Pillow has no 16-bit colour: such pictures come out with the upper 8 bits of every channel.

    Raises:
        BridgeError: `invalid_field` for float pictures in colour, which pillow cannot hold at all.
    """
    from PIL import Image

    mode, raw = {
        PixelFormat.GRAY8: ("L", "L"),
        PixelFormat.GRAYA8: ("LA", "LA"),
        PixelFormat.RGB8: ("RGB", "RGB"),
        PixelFormat.RGBA8: ("RGBA", "RGBA"),
        PixelFormat.BGRA8: ("RGBA", "BGRA"),
        PixelFormat.GRAY16: ("I;16", "I;16"),
        PixelFormat.RGB16: ("RGB", "RGB;16L"),
        PixelFormat.RGBA16: ("RGBA", "RGBA;16L"),
        PixelFormat.GRAY32F: ("F", "F;32F"),
    }.get(picture.format, ("", ""))
    if picture.format is PixelFormat.BGRA16:
        blue, green, red, alpha = (Image.frombytes("L", _size(picture), plane) for plane in _planes8(picture))
        return Image.merge("RGBA", (red, green, blue, alpha))
    if not mode:
        raise _not_a_picture(f"Pillow cannot hold a {picture.format.value} picture.", "Use `picture_to_numpy`.")
    return Image.frombytes(mode, _size(picture), bytes(picture.pixels), "raw", raw)


def layer_to_pil(layer: Layer) -> Image.Image:
    """The pixels of a layer as a pillow image, see `picture_to_pil`."""
    return picture_to_pil(layer.picture)


def _size(picture: Picture) -> tuple[int, int]:
    return picture.width, picture.height


def _from_pil(image: Any) -> Picture:
    mode = image.mode
    if mode == "I;16B":  # pillow's own conversion to I;16 cuts off at 255
        return Picture(image.width, image.height, PixelFormat.GRAY16, _swapped(image.tobytes(), 2))
    if mode not in _PIL_FORMATS:
        if mode in ("P", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
            target = "RGBA" if mode == "P" and "transparency" in image.info else "RGB"
        elif mode in _PIL_CONVERSIONS:
            target = _PIL_CONVERSIONS[mode]
        else:
            raise _not_a_picture(f"Pictures of pillow's mode {mode} are not understood.", "Convert it to RGB.")
        image = image.convert(target)
        mode = image.mode
    return Picture(image.width, image.height, _PIL_FORMATS[mode], image.tobytes())


def _from_array(image: Any) -> Picture:
    interface = image.__array_interface__
    shape, typestr = tuple(interface["shape"]), str(interface["typestr"])
    if len(shape) not in (2, 3) or not all(shape):
        raise _not_a_picture(f"An array of shape {shape} is not a picture.", "Give height × width [× channels].")
    channels = int(shape[2]) if len(shape) == 3 else 1
    pixels = _bytes_of(image, interface)
    order, kind = typestr[0], typestr[1:]
    if kind == "b1":
        pixels, kind = bytes(pixels).translate(bytes([0]) + bytes([255]) * 255), "u1"
    elif kind == "f8":
        doubles = array.array("d", bytes(pixels))
        if (order == ">") != (sys.byteorder == "big"):
            doubles.byteswap()
        pixels, kind, order = array.array("f", doubles).tobytes(), "f4", "<"
    pixel_format = _ARRAY_FORMATS.get((kind, channels))
    if pixel_format is None:
        raise _not_a_picture(
            f"An array of type {typestr} with {channels} channels is not a picture.",
            "Give uint8, uint16 or float32 with 1, 3 or 4 channels.",
        )
    if order == ">" and pixel_format.bytes_per_channel > 1:
        pixels = _swapped(pixels, pixel_format.bytes_per_channel)
    return Picture(int(shape[1]), int(shape[0]), pixel_format, pixels)


def _bytes_of(image: Any, interface: Any) -> Buffer:
    try:
        view = memoryview(image)
        return view.cast("B") if view.c_contiguous else view.tobytes()
    except (TypeError, ValueError, BufferError):
        pass  # not a buffer, or of a type that memoryview cannot cast: read what the interface points at
    if interface.get("strides") is not None:
        raise _not_a_picture("The array is not contiguous.", "Give a contiguous copy.")
    data = interface.get("data")
    if isinstance(data, tuple):
        size = int(interface["typestr"][2:])
        for side in interface["shape"]:
            size *= int(side)
        return ctypes.string_at(int(data[0]), size)
    if data is None:
        raise _not_a_picture("The array does not say where its pixels are.")
    return memoryview(data).cast("B")


def _swapped(pixels: Buffer, width: int) -> bytes:
    values = array.array("H" if width == 2 else "I", bytes(pixels))
    values.byteswap()
    return values.tobytes()


def _planes8(picture: Picture) -> list[bytes]:
    """The channels of a picture, 8 bits each."""
    width, channels = picture.format.bytes_per_channel, picture.format.channels
    if picture.format is PixelFormat.RGBA16F:
        raise _not_a_picture("A half-float picture is not understood as a mask.", "Give 8 or 16 bits.")
    if picture.format.is_float:
        floats = array.array("f", bytes(picture.pixels))
        to_byte: Callable[[float], int] = lambda value: min(255, max(0, round(value * 255)))  # noqa: E731
        samples = bytes(map(to_byte, floats))
    else:
        samples = bytes(picture.pixels)[width - 1 :: width]  # little-endian: the last byte is the upper one
    return [samples[channel::channels] for channel in range(channels)]


def _not_a_picture(message: str, hint: str = "Give a pillow image, a numpy array or a `Picture`.") -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, message, hint=hint, field="image")
