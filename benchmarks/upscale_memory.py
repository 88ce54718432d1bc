"""How much memory the engine takes to upscale, beside the pictures themselves.

    python benchmarks/upscale_memory.py [--sides 2048 4096 8192] [--scale 4] [--steps 1] [--strength 0 …] [--json FILE]

A real engine process enlarges a picture to each size. Its private memory (resident pages that are shared with nobody,
so input and result in shared files do not count) is sampled all the time; what it was before, with the model loaded
and warm, is taken off. Of the rest, the pictures are what cannot be helped: the result (4 bytes a pixel), and what was
painted, in half precision (6 bytes a pixel, none at strength 0). `beyond` is what is left; it must not grow with the
output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bridge.daemon.catalogue import read_folder
from bridge.daemon.config import BUILTIN_MODELS
from bridge.protocol.engine_link import LENGTH, Ended, LinkMessage, ModelSource, Ready, Run, decode_link, encode_link
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import SharedPixels, preferred_parent
from bridge.protocol.tasks import Generation, Upscale

MIB = 2**20
SAMPLE_EVERY = 0.002
"""Seconds between looks at the engine's memory."""
RESULT_BYTES, PAINTED_BYTES = 4, 6
"""Of a pixel: rgba8, and three channels in half precision."""
WARM_SIDE = 512


@dataclass(frozen=True)
class Upscaled:
    """One job.

    Attributes:
        side: of the square result, in px.
        strength: how much was painted; 0 resamples only.
        seconds: that it took.
        peak_mib: most private memory, over what it was before.
        pictures_mib: of these, the result and what was painted.
        beyond_mib: the rest.
        kept_mib: private memory when the job was over, over what it was before.
    """

    side: int
    strength: float
    seconds: float
    peak_mib: float
    pictures_mib: float
    beyond_mib: float
    kept_mib: float


@dataclass(frozen=True)
class Ran:
    """What a job took.

    Attributes:
        seconds: from the order to its end.
        peak_mib: most private memory, over what it was before.
        kept_mib: private memory afterwards, over what it was before.
    """

    seconds: float
    peak_mib: float
    kept_mib: float


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODELS / "bridge-textures", help="a diffusers folder")
    parser.add_argument(
        "--random", action="store_true", help="a Stable Diffusion with few random weights: the same sizes, but quick"
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[2048, 4096, 8192], metavar="PX")
    parser.add_argument("--scale", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--strength", type=float, nargs="+", default=[0.0], metavar="S")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    measured = []
    print(f"{'side':>6} {'strength':>8} {'s':>8} {'peak MiB':>9} {'pictures':>9} {'beyond':>7} {'kept':>6}")
    with (
        tempfile.TemporaryDirectory() as models,
        tempfile.TemporaryDirectory(dir=preferred_parent()) as folder,
        Engine(Path(folder), options.threads) as engine,
    ):
        source = read_folder(random_model(Path(models) / "random") if options.random else options.model).source
        for strength in options.strength:
            engine.upscale(source, WARM_SIDE, options.scale, strength, options.steps)
            for side in options.sides:
                found = engine.upscale(source, side, options.scale, strength, options.steps)
                measured.append(found)
                print(
                    f"{found.side:>6} {found.strength:>8g} {found.seconds:>8.1f} {found.peak_mib:>9.1f} "
                    f"{found.pictures_mib:>9.1f} {found.beyond_mib:>7.1f} {found.kept_mib:>6.1f}",
                    flush=True,
                )
    if options.json:
        result = {
            "machine": {"system": platform.platform(), "cores": os.cpu_count(), "threads": options.threads},
            "model": source.id,
            "scale": options.scale,
            "steps": options.steps,
            "jobs": [asdict(each) for each in measured],
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


class Engine:
    """An engine process whose memory is watched. A context manager."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._shared = SharedPixels(folder)
        command = [sys.executable, "-m", "bridge.engine", "--shared-pixels", str(folder), "--device", "cpu"]
        self._process = subprocess.Popen(
            [*command, "--threads", str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._watched = psutil.Process(self._process.pid)
        self._jobs = 0

    def __enter__(self) -> Engine:
        while not isinstance(self._next(), Ready):
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def upscale(self, source: ModelSource, side: int, scale: float, strength: float, steps: int) -> Upscaled:
        """Run a job to its end. Raises `SystemExit` when it fails."""
        image = texture(round(side / scale))
        ran = self.run(
            source, Upscale(image=image, scale=scale, strength=strength, steps=steps, seed=1, prompt="grey stone")
        )
        pictures = side * side * (RESULT_BYTES + (PAINTED_BYTES if strength else 0)) / MIB
        return Upscaled(
            side=side,
            strength=strength,
            seconds=round(ran.seconds, 2),
            peak_mib=round(ran.peak_mib, 1),
            pictures_mib=round(pictures, 1),
            beyond_mib=round(ran.peak_mib - pictures, 1),
            kept_mib=round(ran.kept_mib, 1),
        )

    def run(self, source: ModelSource, task: Generation) -> Ran:
        """Run any job to its end. Raises `SystemExit` when it fails."""
        self._jobs += 1
        order = encode_link(Run(job_id=f"job-{self._jobs}", task=task, model=source), self._shared)
        before, began = self._private(), time.perf_counter()
        with _Peak(self._private) as peak:
            if self._process.stdin is None:
                raise SystemExit("the engine has no stdin")
            self._process.stdin.write(order)
            self._process.stdin.flush()
            while not isinstance(message := self._next(), Ended):
                pass
        if message.error is not None:
            raise SystemExit(f"the engine failed: {message.error.message}")
        seconds = time.perf_counter() - began
        return Ran(seconds, (peak.most - before) / MIB, (self._private() - before) / MIB)

    def _next(self) -> LinkMessage:
        if self._process.stdout is None:
            raise SystemExit("the engine has no stdout")
        prefix = self._process.stdout.read(LENGTH.size)
        if len(prefix) < LENGTH.size:
            raise SystemExit("the engine ended")
        return decode_link(self._process.stdout.read(LENGTH.unpack(prefix)[0]), self._shared)

    def _private(self) -> int:
        found = self._watched.memory_info()
        return int(found.rss - getattr(found, "shared", 0))


class _Peak:
    """The most of something while the context lasts."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most = 0

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_EVERY):
            self.most = max(self.most, self._now())


def random_model(folder: Path) -> Path:
    """A model whose latents are those of Stable Diffusion in size, with next to nothing to compute."""
    from diffusers import AutoencoderKL, StableDiffusionPipeline

    from tests.tiny_models import build_tiny_sd

    pipe = StableDiffusionPipeline.from_pretrained(build_tiny_sd(folder), safety_checker=None)
    pipe.vae = AutoencoderKL(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=2,
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def texture(side: int) -> Picture:
    """Smooth waves with some grain."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:side, 0:side]
    waves = np.sin(rows / 9)[..., None] * np.cos(columns / 7)[..., None] * 60 + 128
    colours = np.clip(waves + rng.normal(0, 12, (side, side, 3)), 0, 255).astype(np.uint8)
    opaque = np.full((side, side, 1), 255, np.uint8)
    return Picture(side, side, PixelFormat.RGBA8, np.concatenate([colours, opaque], axis=-1).tobytes())


if __name__ == "__main__":
    main()
