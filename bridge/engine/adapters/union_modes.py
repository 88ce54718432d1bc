"""ControlNets of several kinds in one (Flux.1 union): each has to be told which kind of picture it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from bridge.protocol.errors import BridgeError, ErrorCode

MODES: Mapping[str, int] = {"canny": 0, "tile": 1, "depth": 2, "blur": 3, "pose": 4, "grey": 5}
"""Kinds of guiding pictures, by the numbers that the union ControlNets of InstantX and Shakker Labs have for them."""


def is_union(net: Any) -> bool:
    """Whether a ControlNet is one of several kinds."""
    return bool(getattr(net, "union", False))


def check_mode(net: Any, kind: str, field: str) -> None:
    """Refuse a union ControlNet where nothing says which kind of picture it is shown, or of a kind that it lacks.

    Args:
        kind: of the guiding picture; empty when nobody knows.

    Raises:
        BridgeError: `invalid_field`.
    """
    if is_union(net) and MODES.get(kind, net.config.num_mode) >= net.config.num_mode:
        known = [name for name, number in MODES.items() if number < net.config.num_mode]
        what = f"{kind!r} is none that it knows" if kind else "the picture is given as it is"
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"This ControlNet knows several kinds of guiding pictures and has to be told which one it sees; {what}.",
            hint=f"Say it in `shows`, or have the picture made by such a preprocessor: {', '.join(known)}.",
            field=field,
        )


def mode_argument(kind: str, count: int, device: torch.device) -> torch.Tensor:
    """The mode (count, 1) of a kind of guiding picture, for as many latents."""
    return torch.full((count, 1), MODES[kind], dtype=torch.long, device=device)
