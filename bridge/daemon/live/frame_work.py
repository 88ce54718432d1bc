"""What of a canvas goes into one frame. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.daemon.canvas import Canvas
from bridge.protocol.areas import Area
from bridge.protocol.canvas_pixels import CanvasPixels
from bridge.protocol.engine_link import AdapterSource, ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveSettings
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint

MOST_DRAFT_STEPS = 8


@dataclass(frozen=True)
class ResolvedSettings:
    """Settings with everything found that they name."""

    settings: LiveSettings
    model: ModelSource
    adapters: tuple[AdapterSource, ...] = ()

    def steps(self, *, full: bool) -> int:
        """Denoising steps of a frame."""
        steps = self.settings.steps or self.model.steps
        return steps if full else self.settings.draft_steps or min(steps, MOST_DRAFT_STEPS)

    def denoised_steps(self, *, full: bool) -> int:
        """Those of them that are taken at this strength, at least one."""
        return max(1, round(self.steps(full=full) * self.settings.strength))

    def task(self, image: Picture, mask: Picture | None, *, full: bool) -> ImageToImage | Inpaint:
        """The task of a frame."""
        settings = self.settings
        common: dict[str, Any] = {
            "prompt": settings.prompt,
            "negative_prompt": settings.negative_prompt,
            "model": self.model.id,
            "seed": settings.seed,
            "steps": self.steps(full=full),
            "guidance_scale": settings.guidance_scale,
            "scheduler": settings.scheduler,
            "loras": settings.loras,
            "strength": settings.strength,
        }
        if mask is None:
            return ImageToImage(image=image, **common)
        return Inpaint(image=image, mask=mask, **common)


def area_of(canvas: Canvas, settings: LiveSettings) -> Area:
    """The part of a canvas that is looked at.

    Raises:
        BridgeError: `invalid_field` when there is none, or a layer is not there or of the wrong kind.
    """
    everything = canvas.pixels(settings.layer).everything
    if settings.mask and canvas.pixels(settings.mask).layer.format is not PixelFormat.GRAY8:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"The layer {settings.mask!r} is no mask.", field="settings.mask")
    if settings.area is None:
        if settings.needs_area:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                "There is no selection to work on.",
                hint="Select something, or let live work on the whole canvas.",
                field="settings.area",
            )
        return everything
    area = settings.area.common(everything)
    if area is None:
        raise BridgeError(ErrorCode.INVALID_FIELD, "The area lies beyond the canvas.", field="settings.area")
    return area


def mask_of(pixels: CanvasPixels, area: Area) -> Picture:
    """The mask's part. Raises `BridgeError` (`invalid_field`) when nothing there is to be repainted."""
    mask = pixels.piece(area).picture
    if bytes(mask.pixels).count(0) == mask.nbytes:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            "Nothing is masked, so there is nothing to repaint.",
            hint="Paint the mask, or let live work without one.",
            field="settings.mask",
        )
    return mask
