"""A pool of training pictures on disk, so that training does not wait for the generator.

    python -m training.pool --run training/runs/a --count 16000 --size 128 --seed 1

writes `pictures-128.npy` (count, size, size, 3) uint8 and `captions-128.json` under the run folder.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.textures.compose import make_sample

CHUNK = 500


@dataclass(frozen=True)
class Pool:
    """Pictures, uint8 (count, size, size, 3) in 0..255 sRGB, and one caption each."""

    pictures: NDArray[np.uint8]
    captions: list[str]


def _paths(run: Path, size: int) -> tuple[Path, Path]:
    return run / f"pictures-{size}.npy", run / f"captions-{size}.json"


def open_pool(run: Path, size: int) -> Pool:
    """Open a pool that `build_pool` wrote; the pictures stay on disk until they are read."""
    pictures, captions = _paths(run, size)
    return Pool(np.load(pictures, mmap_mode="r"), json.loads(captions.read_text(encoding="utf-8")))


def _fill(path: Path, first: int, count: int, size: int, seed: int) -> list[str]:
    rng = np.random.default_rng([seed, first])
    pictures = np.load(path, mmap_mode="r+")
    captions = []
    for index in range(first, first + count):
        sample = make_sample(rng, size)
        pictures[index] = np.rint(sample.picture * 255).astype(np.uint8)
        captions.append(sample.caption)
    pictures.flush()
    return captions


def build_pool(run: Path, count: int, size: int, seed: int, workers: int = 2) -> None:
    """Render `count` pictures of `size` pixels; the same seed gives the same pool with any worker count."""
    run.mkdir(parents=True, exist_ok=True)
    pictures, captions = _paths(run, size)
    np.lib.format.open_memmap(pictures, mode="w+", dtype=np.uint8, shape=(count, size, size, 3)).flush()
    firsts = range(0, count, CHUNK)
    with ProcessPoolExecutor(workers) as executor:
        jobs = [executor.submit(_fill, pictures, first, min(CHUNK, count - first), size, seed) for first in firsts]
        lines = [caption for job in jobs for caption in job.result()]
    captions.write_text(json.dumps(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    build_pool(arguments.run, arguments.count, arguments.size, arguments.seed, arguments.workers)


if __name__ == "__main__":
    main()
