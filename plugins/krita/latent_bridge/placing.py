# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts results into their document."""

from __future__ import annotations

from .form import Form
from .host import OpenDocument
from .request import Plan, layer_name, placement_of
from .vendored import tasks


def place(document: OpenDocument, plan: Plan, form: Form, layers: tuple[tasks.Layer, ...], target: str) -> list[str]:
    """Put the results of a job in, in one turn of the event loop; returns the ids of their layers.

    Several become a group of which the first is visible. In place, a single one is merged into the layer `target`, if
    that is still there to be painted on, and has no layer of its own: its id is empty. Where the document has to grow
    or be scaled, that is done now.
    """
    placements = [placement_of(plan, layer, document.canvas) for layer in layers]
    first = placements[0]
    if first.canvas is not None:
        document.grow(first.canvas)
    if first.size is not None:
        document.scale(*first.size)
    named = [
        (layer_name(form.prompt, layer.seed), placed.place, bytes(layer.picture.pixels))
        for layer, placed in zip(layers, placements, strict=True)
    ]
    if len(named) > 1:
        return document.add_group(layer_name(form.prompt, layers[0].seed), named)
    if form.in_place and document.can_be_painted(target):
        added = document.add_layer(*named[0], above=target)
        document.merge_down(added)
        return [""]
    return [document.add_layer(*named[0])]
