"""What the finished latents will be, guessed in mid-denoising from what the steps so far have left.

A state is `alpha * clean + sigma * noise`. A deterministic sampler moves both states of a step along the same clean
latents and noise, so two neighbouring states give the clean ones by solving two equations; no model is asked again.
"""

from __future__ import annotations

from typing import Any

import torch

from .schedulers import is_flow

STOCHASTIC = ("Ancestral", "DDPM", "LCM", "TCD", "SDE", "Heun")
"""Parts of the names of samplers whose neighbouring states do not share their noise (or, Heun's, their time)."""


class CleanGuess:
    """Looks at the latents after every step of one image and guesses where they lead."""

    def __init__(self) -> None:
        self._before: tuple[torch.Tensor, tuple[float, float]] | None = None

    def look(self, scheduler: Any, latents: torch.Tensor, left: int) -> torch.Tensor:
        """The guess after a step that leaves `left` more. At worst the latents as they are, without their growth."""
        level = noise_level(scheduler, left)
        before, self._before = self._before, (latents, level)
        predicted = _own_prediction(scheduler, latents)
        if predicted is not None:
            return predicted
        alpha, sigma = level
        if before is not None and before[0].shape == latents.shape and _is_deterministic(scheduler):
            (other, (alpha_before, sigma_before)) = before
            scale = alpha * sigma_before - alpha_before * sigma
            if scale > 1e-6:
                clean: torch.Tensor = (sigma_before * latents - sigma * other) / scale
                return clean
        # Of the whole latents this is the size that decoders know, whatever share of it is noise.
        calmed: torch.Tensor = latents / (alpha**2 + sigma**2) ** 0.5
        return calmed


def noise_level(scheduler: Any, left: int) -> tuple[float, float]:
    """The shares (alpha, sigma) of clean latents and noise when `left` steps are left; (1, 0) at the end."""
    if left == 0:
        return 1.0, 0.0
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(sigmas) > left:
        sigma = float(sigmas[-1 - left])
        if is_flow(scheduler):
            return 1 - sigma, sigma
        if _keeps_variance(scheduler):
            alpha = 1 / (sigma**2 + 1) ** 0.5
            return alpha, sigma * alpha
        return 1.0, sigma
    kept = getattr(scheduler, "alphas_cumprod", None)
    if kept is None:
        return 1.0, 0.0
    alpha = float(kept[int(scheduler.timesteps[-left])])
    return alpha**0.5, (1 - alpha) ** 0.5


def _keeps_variance(scheduler: Any) -> bool:
    """Whether states are of unit variance although the scheduler counts in sigmas."""
    return hasattr(scheduler, "_sigma_to_alpha_sigma_t")


def _is_deterministic(scheduler: Any) -> bool:
    kind = f"{type(scheduler).__name__} {getattr(scheduler.config, 'algorithm_type', '')}".lower()
    return not any(name.lower() in kind for name in STOCHASTIC)


def _own_prediction(scheduler: Any, latents: torch.Tensor) -> torch.Tensor | None:
    """The scheduler's own prediction of the clean latents, where it keeps one."""
    outputs: list[Any] | None = getattr(scheduler, "model_outputs", None)
    config = scheduler.config
    predicts_clean = getattr(config, "predict_x0", False) or "++" in str(getattr(config, "algorithm_type", ""))
    if not predicts_clean or not outputs or not isinstance(outputs[-1], torch.Tensor):
        return None
    return outputs[-1] if outputs[-1].shape == latents.shape else None
