# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of images for undo and redo: those restore what is noted on an image, but not the pixels that are shown."""

from __future__ import annotations

import bpy

from . import images

KEPT, KEPT_BYTES = 8, 256 << 20
"""Files kept for each image, the newest two of any size; an undo that reaches further back leaves the pixels."""

Key = tuple[str, int]


class Versions:
    """What images were and are, as files, by the version that is noted on them."""

    def __init__(self) -> None:
        self._files: dict[Key, dict[int, bytes]] = {}
        self._shown: dict[Key, int] = {}

    def note(self, image: bpy.types.Image, previous: bytes | None, file: bytes, before: int) -> None:
        """The image shows `file` now, which is its version as noted; `previous` was version `before`."""
        key, version = _key(image), _version(image)
        files = self._files.setdefault(key, {})
        if previous is not None:
            files[before] = previous
        files[version] = file
        for old in sorted(files)[:-2]:
            if len(files) > KEPT or sum(map(len, files.values())) > KEPT_BYTES:
                del files[old]
        self._shown[key] = version

    def shows(self, image: bpy.types.Image, files: list[bytes]) -> bool:
        """Whether one of these files is what was put into the image last, and not undone."""
        return self._files.get(_key(image), {}).get(_version(image)) in files

    def undone(self) -> None:
        """An undo or redo took place: images whose noted version changed by it get that version's pixels.

        All others are left alone: they may have been painted on since.
        """
        for key, files in self._files.items():
            image = bpy.data.images.get(key[0])
            if image is None or _key(image) != key or _version(image) == self._shown[key]:
                continue
            file = files.get(_version(image))
            if file is not None:
                images.show_file(image, file)
                self._shown[key] = _version(image)

    def forget(self) -> None:
        """Another file was loaded; its images may have the same names."""
        self._files.clear()
        self._shown.clear()


def _key(image: bpy.types.Image) -> Key:
    """Blender's own number for the data-block, where it has one (since 4.0), keeps others of the name apart."""
    return image.name, int(getattr(image, "session_uid", 0))


def _version(image: bpy.types.Image) -> int:
    return int(image.get(images.VERSION, 0))
