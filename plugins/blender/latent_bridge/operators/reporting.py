# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the bridge as reports of Blender's operators."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..vendored import errors


def reported(execute: Callable) -> Callable:
    """An `execute` that reports a `BridgeError` instead of letting it out. Blender counts its arguments."""

    @functools.wraps(execute)
    def wrapped(self, context):
        try:
            return execute(self, context)
        except errors.BridgeError as error:
            # A warning: an error would be an exception for scripts, and a pop-up without the hint for people.
            self.report({"WARNING"}, str(error))
            return {"CANCELLED"}

    return wrapped
