"""Faults on purpose, so that tests can see what a real engine does when a device fails it.

A running engine takes them from the environment: `LATENT_BRIDGE_ENGINE_FAULTS="error@encoding;sleep=3@loading*2"`.
Points are the stages of a job; a rule fires at its point until its count is used up (once without a count).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

VARIABLE = "LATENT_BRIDGE_ENGINE_FAULTS"
_RULE = re.compile(r"(?P<fault>out_of_memory|error|crash|sleep=(?P<seconds>[\d.]+))@(?P<point>\w+)(\*(?P<count>\d+))?")

FaultHook = Callable[[str], None]
"""Called with the name of a stage when it begins; raises what the stage shall die of."""


@dataclass
class _Rule:
    point: str
    fault: str
    seconds: float
    left: int


def no_faults(point: str) -> None:
    """Nothing goes wrong."""


def faults_from(text: str) -> FaultHook:
    """A hook that follows the rules in `text`. Raises `ValueError` for rules that it cannot read."""
    rules: list[_Rule] = []
    for part in filter(None, text.split(";")):
        match = _RULE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{VARIABLE}: cannot read {part!r}")
        fault = match["fault"].split("=")[0]
        rules.append(_Rule(match["point"], fault, float(match["seconds"] or 0), int(match["count"] or 1)))

    def hook(point: str) -> None:
        for rule in rules:
            if rule.point == point and rule.left > 0:
                rule.left -= 1
                _fail(rule.fault, rule.seconds)

    return hook if rules else no_faults


def _fail(fault: str, seconds: float) -> None:
    if fault == "sleep":
        time.sleep(seconds)
    elif fault == "crash":
        os._exit(86)
    elif fault == "error":
        raise RuntimeError("a fault made on purpose")
    else:
        import torch

        raise torch.OutOfMemoryError("out of memory on purpose")
