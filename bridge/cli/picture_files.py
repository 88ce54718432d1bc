"""Pictures in files: PNG, JPEG and WebP, read with care and written with their recipe.

Reading trusts nothing: only these formats, no more pixels than the daemon would take, and errors in one line.
Pillow holds 16 bits per channel for grey only; 16-bit colour is read as 8 bits, and the caller is told so.
`deep_png` writes it with all of its bits.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.client.images import as_mask, as_picture, picture_to_pil
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat

from .deep_png import encode_rgb16
from .output_names import SUFFIXES, free_path
from .recipes import Recipe

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 8192 * 8192
RECIPE_KEY = "latent-bridge"
_EXIF_ORIENTATION = 0x0112

Tell = Callable[[str], None]


def read_picture(path: Path, tell: Tell) -> Picture:
    """Read a picture: upright, in sRGB, 8 bits per channel or 16-bit grey.

    Args:
        path: the file.
        tell: called with a sentence about anything that could not be kept.

    Raises:
        BridgeError: `invalid_field` for what is not a picture, `too_many_pixels`.
    """
    with _opened(path) as image:
        if _is_deep_colour(path):
            tell(f"{path.name} has 16 bits per channel; colour is read with 8.")
        return as_picture(_plain(_in_srgb(_upright(image), path, tell)))


def read_mask(path: Path) -> Picture:
    """Read a mask as gray8: white repaints. Raises `BridgeError` as `read_picture`."""
    with _opened(path) as image:
        upright = _upright(image)
        if upright.mode in ("P", "RGB", "RGBA", "CMYK", "YCbCr"):
            has_alpha = "A" in upright.mode or "transparency" in upright.info
            upright = upright.convert("RGBA").convert("LA") if has_alpha else upright.convert("L")
        return as_mask(upright)


def read_recipe(path: Path) -> Recipe:
    """The recipe that a PNG carries.

    Raises:
        BridgeError: `invalid_field` when it carries none.
    """
    with _opened(path) as image:
        text = image.info.get(RECIPE_KEY) or getattr(image, "text", {}).get(RECIPE_KEY)
    if not text:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"{path} carries no recipe.",
            hint="PNG files written by latent-bridge do; JPEG and WebP do not.",
        )
    return Recipe.from_json(str(text))


def write_picture(picture: Picture, path: Path, recipe: Recipe | None, *, force: bool, keep_alpha: bool) -> Path:
    """Write a picture in the format of its suffix, whole or not at all; returns where it went.

    Args:
        picture: the pixels.
        path: the name wished for. When it is taken and `force` is false, a number is added.
        recipe: goes into PNGs.
        force: replace a file of that name.
        keep_alpha: otherwise an alpha that is opaque everywhere is left out.

    Raises:
        BridgeError: `internal` when the file cannot be written.
    """
    data = encode_picture(picture, SUFFIXES[path.suffix.lower()], recipe, keep_alpha=keep_alpha)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        try:
            return _put_in_place(partial, path, force)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise BridgeError(ErrorCode.INTERNAL, f"{path} cannot be written: {error.strerror or error}.") from error


def encode_picture(picture: Picture, file_format: str, recipe: Recipe | None, *, keep_alpha: bool) -> bytes:
    """The bytes of a file of `file_format` (PNG, JPEG or WEBP)."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, recipe.to_json(), zip=True)
    if file_format == "PNG" and picture.format is PixelFormat.RGB16:
        return encode_rgb16(picture, info)
    image = picture_to_pil(picture)
    if not keep_alpha and image.mode in ("RGBA", "LA") and image.getextrema()[-1] == (255, 255):
        image = image.convert(image.mode[:-1])
    buffer = io.BytesIO()
    if file_format == "PNG":
        image.save(buffer, "PNG", pnginfo=info, compress_level=6)
    elif file_format == "JPEG":
        _flat(image).save(buffer, "JPEG", quality=95, subsampling=0)
    else:
        _eight_bit(image).save(buffer, "WEBP", quality=95, exact=True)
    return buffer.getvalue()


def _put_in_place(partial: Path, path: Path, force: bool) -> Path:
    if force:
        os.replace(partial, path)
        return path
    while True:
        target = free_path(path)
        try:
            # A link fails where the name was taken a moment ago; a rename would replace that file.
            os.link(partial, target)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            os.replace(partial, target)
        return target


def _opened(path: Path) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(path, f"{image.width} × {image.height} pixels")
            image.load()
            return image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, "too many pixels") from error
    except FileNotFoundError as error:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"There is no file {path}.") from error
    except UnidentifiedImageError as error:
        raise BridgeError(
            ErrorCode.INVALID_FIELD, f"{path} is not a picture.", hint="PNG, JPEG and WebP are read."
        ) from error
    except (OSError, ValueError, SyntaxError) as error:  # pillow's decoders raise all of these for damaged files
        raise BridgeError(ErrorCode.INVALID_FIELD, f"{path} cannot be read: {error}.") from error


def _too_large(path: Path, size: str) -> BridgeError:
    return BridgeError(ErrorCode.TOO_MANY_PIXELS, f"{path} has {size}.", hint=f"At most {MOST_PIXELS} pixels are read.")


def _is_deep_colour(path: Path) -> bool:
    with open(path, "rb") as file:
        start = file.read(26)
    return start[:8] == b"\x89PNG\r\n\x1a\n" and start[24] == 16 and start[25] in (2, 4, 6)


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image) if image.getexif().get(_EXIF_ORIENTATION, 1) != 1 else image


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if "transparency" in image.info else "RGB") if image.mode == "P" else image


def _in_srgb(image: Image.Image, path: Path, tell: Tell) -> Image.Image:
    from PIL import ImageCms

    embedded = image.info.get("icc_profile")
    if not embedded or image.mode.startswith("I"):
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "srgb" in (ImageCms.getProfileDescription(profile) or "").lower():
            return image
        image = _plain(image)
        target = "RGBA" if image.mode in ("RGBA", "LA") else "RGB"
        if image.mode == "LA":
            image = image.convert("RGBA")
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        tell(f"The colour profile of {path.name} cannot be used ({error}); its colours are taken as sRGB.")
        return image
    return converted if converted is not None else image


def _eight_bit(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode != "I;16":
        return image
    upper = bytes(image.tobytes())[1::2]
    return Image.frombytes("L", image.size, upper)


def _flat(image: Image.Image) -> Image.Image:
    """Without alpha, on white."""
    from PIL import Image

    image = _eight_bit(image)
    if image.mode not in ("RGBA", "LA"):
        return image
    image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")
