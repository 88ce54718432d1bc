"""LoRAs in a model: put in once, then only switched on and off."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer

from bridge.protocol.engine_link import AdapterSource

from .fit import family_of_pipe, family_of_tensors, fitting, misfit
from .lora_file import lora_parts
from .sources import FileKey, Tensors, key_of, read_adapter, weights_file

if TYPE_CHECKING:
    from bridge.engine.models.loading import LoadedModel

MOST_KEPT = 8
"""LoRAs that stay in a model beside those of the job at hand; the ones used longest ago leave first."""


@dataclass(frozen=True)
class HeldLora:
    """A LoRA inside a model.

    Attributes:
        name: what peft knows it by.
        digest: "sha256:…" of its file.
        bytes: of its matrices.
    """

    name: str
    digest: str
    bytes: int


class LoraRack:
    """The LoRAs that one model holds. Switched off, they leave the model's arithmetic exactly as it was."""

    def __init__(self) -> None:
        self._held: OrderedDict[FileKey, HeldLora] = OrderedDict()
        self._made = 0
        self.acting = False
        """Whether any of them changes what the model does right now."""

    @contextmanager
    def applied(self, model: LoadedModel, uses: Sequence[tuple[AdapterSource, float]], field: str) -> Iterator[None]:
        """Have LoRAs act, each with its weight, while the context lasts. Those not in the model yet are put in.

        Raises:
            BridgeError: a LoRA that cannot be read or does not fit, naming the field.
        """
        acting = [(self.held(model, source, field), weight) for source, weight in uses if weight]
        self._forget_old(model, keep=len(acting))
        if not acting:
            yield
            return
        self.acting = True
        try:
            for layer in _layers(model.base):
                layer.enable_adapters(True)
                layer.set_adapter([lora.name for lora, _ in acting], inference_mode=True)
                for lora, weight in acting:
                    layer.set_scale(lora.name, weight)
            yield
        finally:
            for layer in _layers(model.base):
                layer.enable_adapters(False)
            self.acting = False

    def held(self, model: LoadedModel, source: AdapterSource, field: str) -> HeldLora:
        """The LoRA inside the model, put in now if need be, and inactive. Raises `BridgeError` as `applied`."""
        path = weights_file(source)
        key = key_of(path)
        if key not in self._held:
            self._held[key] = self._put_in(model, source, field)
            model.bytes += self._held[key].bytes
        self._held.move_to_end(key)
        return self._held[key]

    def _put_in(self, model: LoadedModel, source: AdapterSource, field: str) -> HeldLora:
        file = read_adapter(source.id, weights_file(source))
        parts = lora_parts(source.id, file, model.base)
        fitted: dict[str, Tensors] = {}
        reason = "" if parts else "none of its parts is there"
        for part, matrices in parts.items():
            fitted[part], wrong = fitting(getattr(model.base, part), matrices)
            reason = reason or wrong
        if reason:
            made_for, family = family_of_tensors(file.tensors), family_of_pipe(model.base)
            raise misfit(f"The LoRA {source.id}", made_for, model.source.id, family, reason, field)
        self._made += 1
        name = f"lora{self._made}"
        try:
            for part, matrices in fitted.items():
                _inject(getattr(model.base, part), matrices, name)
        except BaseException:
            _take_out(model.base, name)
            raise
        return HeldLora(name, file.digest, _bytes_of(model.base, name))

    def _forget_old(self, model: LoadedModel, keep: int) -> None:
        while len(self._held) > MOST_KEPT + keep:
            _, lora = self._held.popitem(last=False)
            _take_out(model.base, lora.name)
            model.bytes -= lora.bytes


def _inject(part: torch.nn.Module, matrices: Tensors, name: str) -> None:
    ranks = {key[: -len(".lora_A.weight")]: int(m.shape[0]) for key, m in matrices.items() if ".lora_A." in key}
    usual = Counter(ranks.values()).most_common(1)[0][0]
    # Anchored, because peft takes a name for a pattern that may match at the end of another.
    unusual = {f"^{re.escape(module)}": rank for module, rank in ranks.items() if rank != usual}
    config = LoraConfig(
        r=usual,
        lora_alpha=usual,
        rank_pattern=unusual,
        alpha_pattern=dict(unusual),
        target_modules=list(ranks),
        inference_mode=True,
    )
    first = next(part.parameters())
    cast = {key: matrix.to(first.dtype) for key, matrix in matrices.items()}
    inject_adapter_in_model(config, part, name, low_cpu_mem_usage=True, state_dict=cast)
    set_peft_model_state_dict(part, cast, name, low_cpu_mem_usage=True)
    for layer in _layers_of(part):
        layer.enable_adapters(False)
        for kind in layer.adapter_layer_names:
            if name in getattr(layer, kind):
                getattr(layer, kind)[name].to(first.device)


def _take_out(pipe: Any, name: str) -> None:
    for layer in _layers(pipe):
        layer.delete_adapter(name)
        layer.enable_adapters(False)
    for part in _parts(pipe):
        getattr(part, "peft_config", {}).pop(name, None)


def _bytes_of(pipe: Any, name: str) -> int:
    return sum(
        tensor.numel() * tensor.element_size()
        for part in _parts(pipe)
        for key, tensor in part.named_parameters()
        if f".{name}." in key
    )


def _layers(pipe: Any) -> list[Any]:
    return [layer for part in _parts(pipe) for layer in _layers_of(part)]


def _layers_of(part: torch.nn.Module) -> list[Any]:
    return [module for module in part.modules() if isinstance(module, BaseTunerLayer)]


def _parts(pipe: Any) -> list[torch.nn.Module]:
    named = (getattr(pipe, name, None) for name in getattr(pipe, "_lora_loadable_modules", ()))
    return [part for part in named if isinstance(part, torch.nn.Module)]
