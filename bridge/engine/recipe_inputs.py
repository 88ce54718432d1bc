"""Content hashes of the pictures that a task was given."""

from __future__ import annotations

import hashlib

from bridge.protocol.pixels import Picture


def digest_of(picture: Picture) -> str:
    """Content hash of a picture's pixels."""
    return f"sha256:{hashlib.sha256(picture.pixels).hexdigest()}"
