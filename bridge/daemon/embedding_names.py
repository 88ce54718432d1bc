"""Textual inversions by their bare file names in a prompt, as other programs have them: written out as tags. Pure.

A name becomes a tag only where nobody can have meant a word: it stands alone, only one embedding is called so, and it
looks like a name and not like a word (`bad-hands-5`, `EasyNegative`; not `moss`). `embedding:moss` always does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bridge.protocol.messages import AdapterInfo
from bridge.protocol.tasks import Generation

LONGEST = 8192
"""Characters that a prompt may have."""
_TAG = re.compile(r"(<[^<>]*>)")
_SUFFIX = r"(?:\.(?:safetensors|pt|bin))?"
_BEFORE, _AFTER = r"(?<![\w\\.:-])", r"(?![\w-])(?!\.\w)"


G = TypeVar("G", bound=Generation)


def with_tags(task: G, adapters: Iterable[AdapterInfo], family: str) -> G:
    """The task with tags in its prompts for the embeddings that they name; the same object when there are none.

    Args:
        family: of the model; "" when unknown.
    """
    names = [each.id for each in adapters if _may_be_meant(each, family)]
    prompt, negative = tagged(task.prompt, names), tagged(task.negative_prompt, names)
    regions = tuple(
        replace(region, prompt=tagged(region.prompt, names), negative_prompt=tagged(region.negative_prompt, names))
        for region in task.regions
    )
    if (prompt, negative, regions) == (task.prompt, task.negative_prompt, task.regions):
        return task
    return replace(task, prompt=prompt, negative_prompt=negative, regions=regions)


def tagged(prompt: str, names: Sequence[str]) -> str:
    """A prompt with tags for these embeddings where it names them."""
    if not prompt or not names:
        return prompt
    by_sight = _by_sight(names)
    longest_first = sorted(by_sight, key=len, reverse=True)
    any_name = "|".join(re.escape(name) for name in longest_first)
    written = re.compile(rf"{_BEFORE}(?P<said>embedding:)?(?P<name>{any_name}){_SUFFIX}{_AFTER}", re.IGNORECASE)

    def spelled(found: re.Match[str]) -> str:
        name = by_sight[found["name"].lower()]
        if name and (found["said"] or _looks_like_a_name(name)):
            return f"<embedding:{name}>"
        return found[0]

    # What stands in angle brackets is a tag already.
    parts = _TAG.split(prompt)
    written_out = "".join(part if number % 2 else written.sub(spelled, part) for number, part in enumerate(parts))
    return written_out if len(written_out) <= LONGEST else prompt


def _by_sight(names: Sequence[str]) -> Mapping[str, str]:
    """Names by what they are in small letters; "" for what two are called alike."""
    found: dict[str, str] = {}
    for name in names:
        seen = name.lower()
        found[seen] = name if found.get(seen, name) == name else ""
    return found


def _looks_like_a_name(name: str) -> bool:
    return not name.isalpha() or any(letter.isupper() for letter in name[1:])


def _may_be_meant(adapter: AdapterInfo, family: str) -> bool:
    fits = not (adapter.family and family) or adapter.family == family
    return adapter.type == "embedding" and not adapter.unusable and fits
