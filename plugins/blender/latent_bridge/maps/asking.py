# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that makes the maps of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import delivery, images
from ..jobs import Goal, JobView
from ..pictures import picture_of
from ..vendored import errors, tasks

if TYPE_CHECKING:
    from ..session import Session


def ask(session: Session, image: bpy.types.Image, target: bpy.types.Object | None, scene: bpy.types.Scene) -> JobView:
    """Queue the job, as the panel's fields say.

    Args:
        session: of this Blender.
        image: the base colour.
        target: the object whose active material wears it; None to make images alone.
        scene: with the fields.

    Raises:
        BridgeError: `invalid_field` when no map is wanted, or the image has no pixels.
    """
    fields = scene.latent_bridge_maps
    kinds = fields.kinds()
    if not kinds:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD, "No map is chosen.", hint="Tick at least one of them.", field="maps"
        )
    held, seamless = images.read(image), _seamless(image, scene)
    wishes = {
        "maps": kinds,
        "seamless": seamless,
        "relief": fields.relief,
        "detail": fields.detail,
        "light_is_deep": fields.light_is_deep,
        "roughness": fields.mean_roughness,
    }
    return session.submit(
        lambda: tasks.SurfaceMaps(image=picture_of(held), **wishes),
        f"Maps of {image.name}",
        delivery.here(Goal.MAPS, image=image.name, target=target),
        len(kinds),
    )


def ask_beside(
    session: Session, image: bpy.types.Image, target: bpy.types.Object | None, scene: bpy.types.Scene
) -> None:
    """Queue the job for a texture that has just arrived; none when no map is ticked."""
    if scene.latent_bridge_maps.kinds():
        ask(session, image, target, scene)


def _seamless(image: bpy.types.Image, scene: bpy.types.Scene) -> str:
    """Across which sides the image continues: as it says itself, else as the panel does."""
    noted = images.noted(image)
    parameters = noted.recipe.get("parameters") if noted is not None else None
    known = parameters.get("seamless") if isinstance(parameters, dict) else None
    return known if isinstance(known, str) else scene.latent_bridge.seamless
