"""What is told of a problem that nobody foresaw: a name for the user, the rest for the log."""

from __future__ import annotations

import sys
import traceback

from bridge.protocol.errors import BridgeError, ErrorCode

from .device import Device, is_out_of_memory
from .ladder import out_of_memory


def explained(error: Exception, device: Device) -> BridgeError:
    """The error to send for whatever a model or a library came up with; its traceback goes to the log."""
    traceback.print_exception(error, file=sys.stderr)
    sys.stderr.flush()
    if is_out_of_memory(error):
        device.free_caches()
        return out_of_memory(device)
    return BridgeError(
        ErrorCode.INTERNAL,
        f"The engine met an unexpected problem: {type(error).__name__}: {error}",
        hint="The engine's log has the details.",
    )
