"""Train the decoder alone some more, on patchworks of unlike colours, for colours that are right locally.

    python -m training.refine_decoder --minutes 15 --run training/runs/a

Group normalisation lets a decoder guess a picture's colours from the whole of it, which fails where two
materials meet. Here each training crop has a box pasted in from another one, with its colour channels
exchanged. The encoder stays as it is, so encoded pictures and a denoiser trained on them stay valid.
It reads and replaces `autoencoder.pt`; the first edition is kept as `autoencoder-before.pt`.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.clock import Clock
from training.encode import load_autoencoder
from training.machine import options, parse
from training.pool import Pool, open_pool
from training.train_autoencoder import (
    LATENT_NOISE,
    crop_batch,
    latent_mean,
    psnr,
    reconstruction_loss,
    to_tensor,
)

PEAK_RATE = 1e-3
HELD_OUT = 128


def patchwork(pool: Pool, rng: np.random.Generator) -> Tensor:
    """Return crops (batch, 3, 64, 64) in [-1, 1]; half of them have a box of another one laid over them."""
    crops = crop_batch(pool, rng, len(pool.pictures) - HELD_OUT)
    others = crops.roll(1, 0)[:, torch.from_numpy(rng.permutation(3))]
    side = crops.shape[-1]
    for index in range(0, len(crops), 2):
        top, left = rng.integers(0, side - 8, 2)
        box = np.s_[index, :, top : top + rng.integers(8, side), left : left + rng.integers(8, side)]
        crops[box] = others[box]
    return crops


def colour_loss(truth: Tensor, guess: Tensor) -> Tensor:
    """Return L1 on pictures reduced 8 times: how far local mean colours are off."""
    return (functional.avg_pool2d(truth, 8) - functional.avg_pool2d(guess, 8)).abs().mean()


@torch.no_grad()
def held_out_quality(run: Path) -> tuple[float, float]:
    """Return the PSNR in dB and the error of local mean colours (in [0, 2]) on held-out pictures."""
    model = load_autoencoder(run)
    pictures = to_tensor(open_pool(run, 128).pictures[-HELD_OUT:])
    decoded = torch.cat([model.decode(latent_mean(model, part)).sample for part in pictures.split(16)])
    return psnr(pictures, decoded), float(colour_loss(pictures, decoded))


def refine(run: Path, minutes: float, seed: int, device: torch.device) -> None:
    """Train the decoder for `minutes` and write the autoencoder with the better decoder."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pool = open_pool(run, 128)
    before = run / "autoencoder-before.pt"
    if not before.exists():
        shutil.copy(run / "autoencoder.pt", before)
    print(f"before: {held_out_quality(run)}", flush=True)
    model = load_autoencoder(run).to(device).train()
    parameters = [*model.decoder.parameters(), *model.post_quant_conv.parameters()]
    optimiser = torch.optim.AdamW(parameters, PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    clock, step = Clock(minutes * 60), 0
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step)
        truth = patchwork(pool, rng).to(device).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            latents = latent_mean(model, truth)
        guess = model.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
        loss = reconstruction_loss(truth, guess) + 2 * colour_loss(truth, guess)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            colour = colour_loss(truth, guess.detach()).item()
            print(f"{clock.elapsed():6.0f} s  step {step}  loss {loss.item():.4f}  colour {colour:.4f}", flush=True)
    torch.save(model.state_dict(), run / "autoencoder.pt")
    quality, colour = held_out_quality(run)
    figures = {"steps": step, "minutes": minutes, "psnr_db": quality, "colour_error": colour}
    (run / "decoder.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"after: {quality:.2f} dB, colour error {colour:.4f}", flush=True)


def main() -> None:
    arguments = parse(options(__doc__, minutes=15, seed=2))
    refine(arguments.run, arguments.minutes, arguments.seed, arguments.device)


if __name__ == "__main__":
    main()
