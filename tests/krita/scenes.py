"""What several scenarios do with a Krita: open, paint, compare."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from latent_bridge.modes import Mode
from PIL import Image

from .harness.running import RunningKrita

FEW_STEPS = 6
MANY_STEPS = 150
"""Enough for a job to be caught in the middle on any machine."""


def fresh_document(krita: RunningKrita, name: str, width: int = 512, height: int = 384, **kind: str) -> None:
    """A document of its own, the only one that is open."""
    for other in krita.call("documents"):
        krita.call("close_document", name=other)
    krita.call("new_document", name=name, width=width, height=height, **kind)


def fill_form(krita: RunningKrita, prompt: str, *, steps: int = FEW_STEPS, strength: int = 100, seed: int = 7) -> None:
    """Fill the docker's fields; the prompt by mouse and keyboard."""
    krita.call("set_number", name="latent_bridge_steps", value=steps)
    krita.call("set_number", name="strength_number", value=strength)
    krita.call("set_checked", name="latent_bridge_random_seed", checked=False)
    krita.call("set_text", name="latent_bridge_seed", text=str(seed))
    krita.click("prompt")
    krita.key("ctrl+a")
    krita.type_text(prompt)
    krita.until(lambda: krita.docker()["prompt"] == prompt, "the typed prompt")


def wait_ready(krita: RunningKrita) -> None:
    """Wait until Generate can be pressed."""
    krita.until(lambda: krita.docker()["generate"], "Generate to be enabled")


def generate(krita: RunningKrita) -> None:
    """Press Generate with the mouse."""
    wait_ready(krita)
    krita.click("generate")
    # The click may still be on its way; a job so quick that it is over by now was not seen, and needs no waiting.
    deadline = time.monotonic() + 1
    while not krita.docker()["busy"] and time.monotonic() < deadline:
        time.sleep(0.02)


def wait_done(krita: RunningKrita) -> None:
    """Wait for the new layer; an error in the docker ends the wait."""
    krita.until(lambda: not (state := krita.docker())["busy"] and (state["text"] or state["error"]), "the result")
    state = krita.docker()
    assert "New layer" in state["text"], state


def wait_denoising(krita: RunningKrita) -> None:
    """Wait until the job is in the middle."""
    krita.until(lambda: "Denoising" in (state := krita.docker())["text"] or state["error"], "denoising")
    assert "Denoising" in krita.docker()["text"], krita.docker()


def exported(krita: RunningKrita, path: Path, name: str | None = None) -> np.ndarray:
    """The document as Krita exports it, RGBA."""
    assert krita.call("export_png", path=str(path), name=name)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def layer_pixels(krita: RunningKrita, path: Path, layer: str, width: int, height: int) -> np.ndarray:
    """A layer's own pixels, BGRA, in the document's frame."""
    krita.call("layer_pixels", layer=layer, path=str(path))
    return np.fromfile(path, np.uint8).reshape(height, width, 4)


def bounds_mask(bounds: list[int], width: int, height: int, margin: int = 0) -> np.ndarray:
    """True inside a rectangle [x, y, width, height] grown by a margin."""
    x, y, w, h = bounds
    mask = np.zeros((height, width), bool)
    mask[max(0, y - margin) : y + h + margin, max(0, x - margin) : x + w + margin] = True
    return mask


def set_mode(krita: RunningKrita, mode: Mode) -> None:
    """Choose a mode by its action, as a shortcut would."""
    krita.call("trigger", action=f"latent_bridge_mode_{mode.value}")
