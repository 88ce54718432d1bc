"""Textual inversions: words of a few learned vectors, which a model knows for as long as a picture takes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from tokenizers import AddedToken

from bridge.engine.models.loading import LoadedModel
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode

from .fit import family_of_pipe, family_of_width, misfit
from .sources import AdapterFile, Tensors, find_source, read_adapter, unusable_adapter, weights_file

FIELD = "task.prompt"
_FIRST = ("clip_l", "text_encoders_0", "emb_params")
_SECOND = ("clip_g", "text_encoders_1")


@dataclass(frozen=True)
class JobEmbeddings:
    """The textual inversions of a job: `<embedding:name>` in a prompt is the word for one."""

    model: LoadedModel
    sources: Sequence[AdapterSource]
    _read: dict[str, AdapterFile] = field(default_factory=dict)

    @contextmanager
    def known(self, names: Sequence[str]) -> Iterator[None]:
        """Have the model know these words while the context lasts; afterwards all is as it was.

        Raises:
            BridgeError: one is not there, cannot be read or does not fit the model.
        """
        pipe = self.model.base
        with ExitStack() as undo:
            if names:
                files = {name: self._file(name) for name in names}
                if not hasattr(pipe, "maybe_convert_prompt") or not hasattr(pipe, "unet"):
                    raise BridgeError(
                        ErrorCode.TASK_UNSUPPORTED, f"{type(pipe).__name__} takes no textual inversions.", field=FIELD
                    )
                for number, (tokenizer, encoder) in enumerate(_readers(pipe)):
                    vectors = {name: self._vectors(name, file.tensors, number, encoder) for name, file in files.items()}
                    undo.enter_context(_knowing(tokenizer, encoder, vectors))
            yield

    def recipe(self, names: Sequence[str]) -> list[dict[str, object]]:
        """What the recipe says of them: id, type, and the hash of the file."""
        return [{"id": name, "type": "embedding", "hash": self._file(name).digest} for name in names]

    def _file(self, name: str) -> AdapterFile:
        if name not in self._read:
            self._read[name] = read_adapter(name, weights_file(find_source(self.sources, name, ("embedding",), FIELD)))
        return self._read[name]

    def _vectors(self, name: str, tensors: Tensors, number: int, encoder: Any) -> torch.Tensor:
        """The vectors (n, width) for the text encoder of this number."""
        named = [tensors[key] for key in (_FIRST, _SECOND)[number] if key in tensors]
        others = [tensor for key, tensor in tensors.items() if key not in _FIRST + _SECOND]
        found = [tensor.reshape(-1, tensor.shape[-1]) for tensor in (*named, *others) if tensor.dim() in (1, 2)]
        if not tensors:
            raise unusable_adapter(name, "it holds no vectors")
        width = int(encoder.get_input_embeddings().weight.shape[1])
        fitting = [vectors for vectors in found if vectors.shape[1] == width]
        if not fitting:
            made_for = "Stable Diffusion XL" if "clip_g" in tensors else _family_by_widths(tensors)
            family, reason = family_of_pipe(self.model.base), f"its text encoder {number + 1} needs {width} numbers"
            raise misfit(f"The embedding {name}", made_for, self.model.source.id, family, reason, FIELD)
        return fitting[0]


def _family_by_widths(tensors: Tensors) -> str:
    return family_of_width(int(next(iter(tensors.values())).shape[-1]))


def _readers(pipe: Any) -> list[tuple[Any, Any]]:
    """Tokenizers with their text encoders."""
    names = [("tokenizer", "text_encoder"), ("tokenizer_2", "text_encoder_2")]
    found = [(getattr(pipe, tokenizer, None), getattr(pipe, encoder, None)) for tokenizer, encoder in names]
    return [(tokenizer, encoder) for tokenizer, encoder in found if encoder is not None]


@contextmanager
def _knowing(tokenizer: Any, encoder: Any, words: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Have one text encoder know words. Its own table and its tokenizer's are put away meanwhile, untouched."""
    spelling, table = tokenizer._tokenizer, encoder.get_input_embeddings()
    ends = [module for module in encoder.modules() if getattr(module, "eos_token_id", None) == 2]
    tokenizer._tokenizer = copy.deepcopy(spelling)
    try:
        # Pipelines write a word of several vectors as `word word_1 word_2…` by themselves.
        rows = []
        for name, vectors in words.items():
            for number, vector in enumerate(vectors):
                content = f"<embedding:{name}>" + (f"_{number}" if number else "")
                tokenizer.add_tokens(AddedToken(content, normalized=False, special=False))
                rows.append(vector)
        weight = table.weight
        more = torch.stack(rows).to(device=weight.device, dtype=weight.dtype)
        known = weight[: len(tokenizer) - len(rows)]
        rewritten = torch.cat([known, more])
        encoder.set_input_embeddings(torch.nn.Embedding(rewritten.shape[0], rewritten.shape[1], _weight=rewritten))
        for module in ends:
            # Old configurations have CLIP look for the end of a text by the highest number, which a new word has now.
            module.eos_token_id = tokenizer.eos_token_id
        yield
    finally:
        for module in ends:
            module.eos_token_id = 2
        encoder.set_input_embeddings(table)
        tokenizer._tokenizer = spelling
