"""Train the autoencoder: 4 times down to 4 latent channels.

    python -m training.train_autoencoder --minutes 20 --run training/runs/a

It reads the 128-pixel pool of the run (see training.pool) and writes `autoencoder.pt`, whose latents have
zero mean and unit variance per channel with `scaling_factor` 1: the statistics are folded into the
1×1 convolutions on either side of the latents.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from training.clock import Clock
from training.machine import options, parse
from training.pool import Pool, open_pool

CROP = 64
BATCH = 12
PEAK_RATE = 1.2e-3
#: Noise on the latents in training, relative to their spread: the denoiser's samples are never exact.
LATENT_NOISE = 0.05
#: The log variance that `encode` reports: all but none, so that encoding is repeatable.
LOG_VARIANCE = -12.0


def new_autoencoder() -> AutoencoderKL:
    """Return the untrained autoencoder (about 0.8 million parameters)."""
    return AutoencoderKL(
        block_out_channels=(32, 48, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=128,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


def latent_mean(model: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Return the latents (batch, 4, height / 4, width / 4) of pictures (batch, 3, height, width) in [-1, 1]."""
    return model.encode(pictures).latent_dist.mean


def crop_batch(pool: Pool, rng: np.random.Generator, last: int) -> Tensor:
    """Return random crops (BATCH, 3, CROP, CROP) in [-1, 1] of the first `last` pictures of the pool.

    Channels are exchanged and flipped at random: photographs have colours that the palette lacks.
    """
    indices = np.sort(rng.integers(last, size=BATCH))
    top, left = rng.integers(0, pool.pictures.shape[1] - CROP + 1, 2)
    crops = pool.pictures[indices, top : top + CROP, left : left + CROP]
    if rng.random() < 0.5:
        crops = crops[..., rng.permutation(3)]
    if rng.random() < 0.5:
        crops = crops[:, :, ::-1]
    return torch.from_numpy(crops.astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1


def _slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def reconstruction_loss(truth: Tensor, guess: Tensor) -> Tensor:
    """Return L1 on pixels, on their slopes, and on pictures halved twice (for exact colours)."""
    loss = (truth - guess).abs().mean()
    for a, b in zip(_slopes(truth), _slopes(guess), strict=True):
        loss = loss + 0.5 * (a - b).abs().mean()
    return loss + 0.5 * (functional.avg_pool2d(truth, 4) - functional.avg_pool2d(guess, 4)).abs().mean()


def psnr(truth: Tensor, guess: Tensor) -> float:
    """Return the peak signal-to-noise ratio in decibels of pictures in [-1, 1]."""
    return float(10 * torch.log10(4 / (truth - guess.clamp(-1, 1)).square().mean()))


@torch.no_grad()
def fold_statistics(model: AutoencoderKL, pictures: Tensor) -> None:
    """Change the convolutions around the latents so that these have zero mean and unit variance."""
    latents = torch.cat([latent_mean(model, chunk) for chunk in pictures.split(16)])
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    before, after, channels = model.quant_conv, model.post_quant_conv, len(mean)
    before.weight[:channels] /= deviation[:, None, None, None]
    before.bias[:channels] = (before.bias[:channels] - mean) / deviation
    before.weight[channels:] = 0
    before.bias[channels:] = LOG_VARIANCE
    after.bias += (after.weight[..., 0, 0] * mean).sum(1)
    after.weight *= deviation[:, None, None]


def to_tensor(pictures: np.ndarray) -> Tensor:
    """Return uint8 pictures (batch, height, width, 3) as a tensor (batch, 3, height, width) in [-1, 1]."""
    return torch.from_numpy(np.asarray(pictures, np.float32)).permute(0, 3, 1, 2) / 127.5 - 1


def train(run: Path, minutes: float, seed: int, device: torch.device) -> None:
    """Train for `minutes`, resuming from the run's checkpoint if there is one."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pool = open_pool(run, 128)
    held_out = to_tensor(pool.pictures[-128:]).to(device)
    model = new_autoencoder().to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    checkpoint, step, spent = run / "autoencoder-checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
        rng = np.random.default_rng([seed, step])
    clock, saved = Clock(minutes * 60, spent), time.monotonic()
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step)
        truth = crop_batch(pool, rng, len(pool.pictures) - 128).to(device)
        truth = truth.contiguous(memory_format=torch.channels_last)
        latents = latent_mean(model, truth)
        noise = LATENT_NOISE * latents.detach().std((0, 2, 3), keepdim=True) * torch.randn_like(latents)
        guess = model.decode(latents + noise).sample
        loss = reconstruction_loss(truth, guess) + 1e-3 * latents.square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(
                f"{clock.elapsed():6.0f} s  step {step}  loss {loss.item():.4f}  {psnr(truth, guess):.2f} dB",
                flush=True,
            )
        if time.monotonic() - saved > 180:
            saved = time.monotonic()
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**state, "step": step, "spent": clock.elapsed()}, checkpoint)
    finish(model, held_out, to_tensor(pool.pictures[:512]).to(device), run, step, clock.elapsed())


@torch.no_grad()
def finish(model: AutoencoderKL, held_out: Tensor, pictures: Tensor, run: Path, step: int, seconds: float) -> None:
    """Normalise the latents, measure on held-out pictures and write the weights and the figures."""
    model.eval()
    fold_statistics(model, pictures)
    latents = latent_mean(model, held_out)
    quality = psnr(held_out, model.decode(latents).sample)
    torch.save(model.state_dict(), run / "autoencoder.pt")
    figures = {"steps": step, "minutes": seconds / 60, "psnr_db": quality}
    (run / "autoencoder.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"held out: {quality:.2f} dB; latent deviation {latents.std((0, 2, 3)).tolist()}", flush=True)


def main() -> None:
    arguments = parse(options(__doc__, minutes=20, seed=1))
    train(arguments.run, arguments.minutes, arguments.seed, arguments.device)


if __name__ == "__main__":
    main()
