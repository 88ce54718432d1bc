"""Encode a pool of pictures once, so that the denoiser's training reads latents only.

    python -m training.encode --run training/runs/a --size 128 --first 0 --count 6000

writes `latents-128-00000.npy`, float16 (count, 4, 32, 32). The denoiser reads every such part there is, so
parts may be added while it trains and are used from its next start.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from training.machine import options, parse
from training.pool import open_pool
from training.train_autoencoder import latent_mean, new_autoencoder, to_tensor


def load_autoencoder(run: Path) -> AutoencoderKL:
    """Return the run's trained autoencoder, ready to use."""
    model = new_autoencoder()
    model.load_state_dict(torch.load(run / "autoencoder.pt", map_location="cpu"))
    return model.eval().to(memory_format=torch.channels_last)


def load_latents(run: Path, size: int) -> tuple[NDArray[np.float16], list[str]]:
    """Return all encoded pictures of one size, (count, 4, size / 4, size / 4), with their captions."""
    captions = open_pool(run, size).captions
    parts = {int(path.stem.rsplit("-", 1)[1]): np.load(path) for path in run.glob(f"latents-{size}-*.npy")}
    if not parts:
        return np.zeros((0, 4, size // 4, size // 4), np.float16), []
    firsts = sorted(parts)
    chosen = [caption for first in firsts for caption in captions[first : first + len(parts[first])]]
    return np.concatenate([parts[first] for first in firsts]), chosen


@torch.no_grad()
def encode(run: Path, size: int, first: int, count: int, device: torch.device) -> None:
    """Encode pictures `first` to `first + count` of the pool of `size` pixels."""
    model, pool = load_autoencoder(run).to(device), open_pool(run, size)
    step = max(1, 32 * 128**2 // size**2)
    last = min(first + count, len(pool.pictures))
    batches = (to_tensor(pool.pictures[i : min(i + step, last)]).to(device) for i in range(first, last, step))
    latents = [latent_mean(model, batch).to("cpu", torch.float16).numpy() for batch in batches]
    np.save(run / f"latents-{size}-{first:05d}.npy", np.concatenate(latents))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=16_000)
    arguments = parse(parser)
    encode(arguments.run, arguments.size, arguments.first, arguments.count, arguments.device)


if __name__ == "__main__":
    main()
