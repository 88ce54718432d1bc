"""The safety filter: holds back pictures that a classifier flags, and says so. Off unless a folder is configured.

The classifier is the safety checker of Stable Diffusion (`StableDiffusionSafetyChecker` of diffusers: the picture's
CLIP embedding against those of unwanted concepts). It stands between the engine and the daemon, so that no task and
no family of models can pass it by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.protocol.engine_link import Ended, LinkMessage, Noticed, Previewed, Produced
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo
from bridge.protocol.pixels import Picture

from .conversion import read_rgb
from .device import Device

Send = Callable[[LinkMessage], None]
Judge = Callable[[Picture], bool]
"""Whether a picture is to be held back."""


class SafetyFilter:
    """Passes on what an engine says, but for the pictures that it holds back."""

    def __init__(self, judge: Judge, send: Send) -> None:
        self._judge = judge
        self._send = send
        self._held_back = 0

    def send(self, message: LinkMessage) -> None:
        """Send a message, or in place of a flagged picture the notice that it was held back."""
        if isinstance(message, Previewed):
            return  # it would show what is to be held back
        if isinstance(message, Produced) and self._judge(message.layer.picture):
            self._held_back += 1
            notice = ErrorInfo(
                ErrorCode.FILTERED,
                f"Image {message.index} was held back by the safety filter.",
                "Change the prompt or the seed; who runs the daemon can switch the filter off.",
            )
            message = Noticed(job_id=message.job_id, notice=notice)
        if isinstance(message, Ended):
            message = replace(message, filtered=self._held_back)
            self._held_back = 0
        self._send(message)


def load_judge(folder: Path, device: Device) -> Judge:
    """Load the classifier of a folder: a safety checker by itself, or a model folder that has one.

    Raises:
        BridgeError: `engine_unavailable`; a filter that was asked for and cannot be loaded must not be left out.
    """
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    inner = folder / "safety_checker"
    weights = inner if inner.is_dir() else folder
    recipe = folder / "feature_extractor" if (folder / "feature_extractor").is_dir() else weights
    try:
        checker: Any = StableDiffusionSafetyChecker.from_pretrained(
            weights, use_safetensors=True, local_files_only=True
        )
        processor: Any = CLIPImageProcessor.from_pretrained(recipe, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BridgeError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The safety filter in {folder} cannot be loaded: {error}",
            hint="Give the folder of a safety checker with safetensors weights, or leave --safety-filter out.",
        ) from error
    checker.to(device.place).eval()

    def judge(picture: Picture) -> bool:
        colours = (read_rgb(picture)[0] * 255).round().astype(np.uint8)
        inputs = processor(images=[colours], return_tensors="pt").pixel_values.to(device.place)
        with torch.inference_mode():
            # The second argument is blackened where something is found; a stand-in keeps ours as it is.
            return bool(checker(clip_input=inputs, images=np.zeros((1, 1, 1, 3), np.float32))[1][0])

    return judge
