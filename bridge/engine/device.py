"""The device that computes: which one, its memory, and the number formats that suit it."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import psutil
import torch

from bridge.protocol.errors import BridgeError, ErrorCode


@dataclass(frozen=True)
class Device:
    """A place to compute.

    Attributes:
        kind: "cpu", "cuda" or "mps".
        name: for people, such as "NVIDIA RTX 4090" or "CPU, 8 threads".
    """

    kind: str
    name: str

    @property
    def place(self) -> torch.device:
        """The device in torch's terms."""
        return torch.device(self.kind)

    @property
    def is_accelerator(self) -> bool:
        """Whether weights could rest in the memory of the host instead."""
        return self.kind != "cpu"

    @property
    def has_own_memory(self) -> bool:
        """Whether its memory is another than the host's, so that weights can make room by moving there."""
        return self.kind == "cuda"

    def dtype(self, *, flow: bool) -> torch.dtype:
        """The number format for weights: half precision on CUDA, `float32` elsewhere.

        Transformers trained by flow matching overflow in float16, so they get bfloat16.
        """
        if self.kind != "cuda":
            return torch.float32
        return torch.bfloat16 if flow else torch.float16

    def memory_total(self) -> int:
        """Bytes of memory that the device has."""
        if self.kind == "cuda":
            return int(torch.cuda.get_device_properties(0).total_memory)
        return int(psutil.virtual_memory().total)

    def memory_free(self) -> int:
        """Bytes of memory that are free now."""
        if self.kind == "cuda":
            return int(torch.cuda.mem_get_info()[0])
        return int(psutil.virtual_memory().available)

    def free_caches(self) -> None:
        """Give back whatever is held but not needed."""
        gc.collect()
        if self.kind == "cuda":
            torch.cuda.empty_cache()
        elif self.kind == "mps":
            torch.mps.empty_cache()


def choose_device(wanted: str = "auto") -> Device:
    """The device called `wanted`; "auto" takes the best there is.

    Raises:
        BridgeError: `engine_unavailable` when there is no such device here.
    """
    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        # The same request has to give the same bytes: leave out the algorithms that add in any order.
        torch.backends.cudnn.deterministic = True
        return Device("cuda", torch.cuda.get_device_name(0))
    if wanted in ("auto", "mps") and torch.backends.mps.is_available():
        return Device("mps", "Apple GPU")
    if wanted in ("auto", "cpu"):
        threads = torch.get_num_threads()
        return Device("cpu", f"CPU, {threads} thread{'' if threads == 1 else 's'}")
    raise BridgeError(
        ErrorCode.ENGINE_UNAVAILABLE,
        f"There is no {wanted} device here.",
        hint="Start with --device auto, or install a torch build for your GPU.",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, in any of the ways that torch has of saying so."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory", "invalid buffer size")
    )
