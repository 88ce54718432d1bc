# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of our own as errors that people are told. No bpy."""

from __future__ import annotations

import traceback

from .vendored import errors


def told_of(error: Exception) -> errors.BridgeError:
    """What to say of an exception: its own words when it is one of ours, else that the add-on failed.

    What nobody foresaw is printed with its traceback: the console is where a report begins.
    """
    if isinstance(error, errors.BridgeError):
        return error
    traceback.print_exception(type(error), error, error.__traceback__)
    if isinstance(error, MemoryError):
        return errors.BridgeError(
            errors.ErrorCode.OUT_OF_MEMORY,
            "There is not enough memory for this.",
            hint="Choose smaller pictures or textures.",
        )
    text = f"The add-on failed: {error!r}."
    return errors.BridgeError(errors.ErrorCode.INTERNAL, text, hint="Please report this with what the console shows.")
