"""The network of a pipeline that denoises, and standing in its way for one call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Forward = Callable[..., Any]


def denoiser_of(pipe: Any) -> Any:
    """The U-Net or transformer of a pipeline; None when it has neither."""
    return getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)


@contextmanager
def replaced_forward(network: Any, replacement: Callable[[Forward], Forward]) -> Iterator[None]:
    """Have `replacement(original)` in place of a network's `forward` while the context lasts. Always undone.

    A forward that was replaced already, as libraries do that move weights about, is found again afterwards.
    """
    before = network.__dict__.get("forward")
    original: Forward = network.forward
    network.forward = functools.wraps(original)(replacement(original))
    try:
        yield
    finally:
        if before is None:
            del network.forward
        else:
            network.forward = before
