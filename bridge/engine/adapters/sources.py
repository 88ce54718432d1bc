"""Finding the adapters that a task names, and reading their files: safetensors only."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterType
from bridge.protocol.model_layout import PICKLES

Tensors = dict[str, torch.Tensor]
FileKey = tuple[str, int, int]


@dataclass(frozen=True)
class AdapterFile:
    """The contents of one safetensors file.

    Attributes:
        path: where it lies.
        tensors: by name, in main memory, as they were saved.
        metadata: the header's own words.
    """

    path: Path
    tensors: Tensors
    metadata: dict[str, str]

    @functools.cached_property
    def digest(self) -> str:
        """Content hash of the file, `sha256:…`, worked out when it is first wanted."""
        try:
            with self.path.open("rb") as raw:
                return f"sha256:{hashlib.file_digest(raw, 'sha256').hexdigest()}"
        except OSError as error:
            raise unusable_adapter(self.path.stem, f"its file cannot be read ({error})") from error


def find_source(sources: Sequence[AdapterSource], name: str, types: Sequence[AdapterType], field: str) -> AdapterSource:
    """The adapter of this id among those that came with the job.

    Raises:
        BridgeError: `unknown_adapter` when there is none of these types.
    """
    named = [source for source in sources if source.id == name]
    for source in named:
        if source.type in types:
            return source
    wanted = " or ".join(types)
    found = f"{name} is no {wanted} but of type {named[0].type}." if named else f"There is no {wanted} {name!r}."
    raise BridgeError(
        ErrorCode.UNKNOWN_ADAPTER, found, hint="`latent-bridge models` lists what the daemon has found.", field=field
    )


def weights_file(source: AdapterSource) -> Path:
    """The safetensors file of an adapter that is a file, or a folder with one.

    Raises:
        BridgeError: `unsafe_weights` for a pickle, `model_unusable` when there is no single file.
    """
    path = Path(source.location)
    if path.is_file():
        if path.suffix in PICKLES:
            raise BridgeError(
                ErrorCode.UNSAFE_WEIGHTS,
                f"{source.id} is a pickle ({path.name}), which can run any program when it is read.",
                hint="Get its safetensors edition.",
            )
        return path
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else []
    if len(files) == 1:
        return files[0]
    raise unusable_adapter(source.id, f"there are {len(files)} safetensors files at {path} where one is needed")


def key_of(path: Path) -> FileKey:
    """What a file is known by until it is written anew."""
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns


def read_adapter(name: str, path: Path) -> AdapterFile:
    """Read a whole safetensors file.

    Raises:
        BridgeError: `model_unusable` when it is damaged.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - a handle, no mapping
            metadata = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise unusable_adapter(name, f"its file cannot be read ({error})") from error
    return AdapterFile(path, tensors, metadata)


def unusable_adapter(name: str, reason: str) -> BridgeError:
    """The error for an adapter that cannot be used with any model."""
    return BridgeError(ErrorCode.MODEL_UNUSABLE, f"{name} cannot be used: {reason}.", hint="Get the file again.")
