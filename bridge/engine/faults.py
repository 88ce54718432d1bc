"""Faults on purpose, so that tests can see what a real engine does when a device fails it.

A running engine takes them from the environment: `LATENT_BRIDGE_ENGINE_FAULTS="error@encoding;sleep=3@loading*2"`.
Points are the stages of a job; a rule fires at its point until its count is used up (once without a count).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

VARIABLE = "LATENT_BRIDGE_ENGINE_FAULTS"
_RULE = re.compile(r"(?P<fault>out_of_memory|error|crash|sleep=(?P<seconds>[\d.]+))@(?P<point>\w+)(\*(?P<count>\d+))?")

FaultHook = Callable[[str], None]
"""Called with the name of a stage when it begins; raises what the stage shall die of."""


def no_faults(point: str) -> None:
    """Nothing goes wrong."""


def faults_from(text: str) -> FaultHook:
    """A hook that follows the rules in `text`. Raises `ValueError` for rules that it cannot read."""
    rules = []
    for part in filter(None, text.split(";")):
        match = _RULE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{VARIABLE}: cannot read {part!r}")
        rules.append([match["point"], match["fault"].split("=")[0], match["seconds"], int(match["count"] or 1)])

    def hook(point: str) -> None:
        for rule in rules:
            if rule[0] == point and rule[3] > 0:
                rule[3] -= 1
                _fail(rule[1], float(rule[2] or 0))

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
