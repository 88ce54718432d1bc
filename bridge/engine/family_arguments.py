"""What a family's pipelines want said differently: one place for what the table of families describes."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from bridge.protocol.families import Family

from .conversion import Floats
from .plan import Plan


def in_the_family_s_words(family: Family | None, pipe: Any, plan: Plan, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a pipeline call as this family wants them; a pipeline gets only those that it knows."""
    # Sizes are ours to choose: the plan has made them fit already.
    found = {**arguments, "use_resolution_binning": False, "_auto_resize": False, "max_area": plan.width * plan.height}
    if family is None:
        return found
    if family.guidance == "true-cfg":
        found["true_cfg_scale"] = found["guidance_scale"]
        if not getattr(pipe.transformer.config, "guidance_embeds", False):
            del found["guidance_scale"]
    if plan.start is not None and family.reference:
        found["image"] = _as_pil(plan.start)
    return found


def starts_emulated(family: Family | None, plan: Plan) -> bool:
    """Whether the pipeline has to be helped to start from the plan's picture."""
    return plan.start is not None and plan.mode != "inpaint" and family is not None and family.start == "emulated"


def _as_pil(pixels: Floats) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
