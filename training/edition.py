"""Make an edition of the built-in model and its students of four and two steps, from pictures to figures.

    python -m training.edition --run training/runs/b --start bridge/engine/builtin/bridge-textures

Every stage that is done is skipped and an interrupted one goes on, so the same line may be given again. It takes the
machine that there is: networks on CUDA if it can, pictures on all processor cores. The minutes are meant for a large
GPU; two processor cores need some ten times as many, and `--batch 32`. The run then holds `model`, `fast-4` and
`fast-2`, the figures of each in `model.json` and so on, and contact sheets.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from training.machine import options, parse
from training.paths import last_part

#: Scripts that neither train nor draw, so that threads and device are no concern of theirs.
PLAIN = frozenset({"build_tokenizer", "pool", "export"})


@dataclass(frozen=True)
class Stage:
    """A script with its arguments, and the file that it leaves when it is done."""

    leaves: Path
    script: str
    arguments: tuple[str, ...]

    def command(self, machine: tuple[str, ...] = ()) -> list[str]:
        """Return the command line; `machine` is given to the scripts that ask for threads and device."""
        known = () if self.script in PLAIN else machine
        return [sys.executable, "-m", f"training.{self.script}", *self.arguments, *known]


def _stage(leaves: Path, script: str, *arguments: object) -> Stage:
    return Stage(leaves, script, tuple(str(argument) for argument in arguments))


def data_stages(options: argparse.Namespace) -> Iterator[Stage]:
    """Yield what comes before any training: words, pictures, latents."""
    run, start = options.run, options.start
    tokenizer = run / "tokenizer"
    yield _stage(
        tokenizer / "tokenizer.json", "build_tokenizer", "--folder", tokenizer, "--extend", start / "tokenizer"
    )
    for size, count, seed in ((128, options.small, 21), (256, options.large, 22)):
        pool = "--size", size, "--count", count
        yield _stage(
            run / f"captions-{size}.json", "pool", "--run", run, *pool, "--seed", seed, "--workers", options.workers
        )
        yield _stage(run / f"latents-{size}-00000.npy", "encode", "--run", run, *pool)


def judge_stage(options: argparse.Namespace) -> Stage:
    """Return the training of the judge, which runs beside the others: it mostly draws pictures."""
    folder = options.run / "judge"
    return _stage(folder / "classifier.json", "train_classifier", "--run", folder, "--minutes", options.judge)


def training_stages(options: argparse.Namespace) -> Iterator[Stage]:
    """Yield decoder, text encoder, U-Net and students; the last two are written as model folders."""
    run, start = ("--run", options.run), ("--start", options.start)
    # The decoder alone: latents stay what the U-Net knows.
    yield _stage(options.run / "decoder.json", "refine_decoder", *run, "--minutes", options.decoder)
    model, batch = options.run / "model", ("--batch", options.batch)
    yield _stage(options.run / "text-encoder.pt", "train_text_encoder", *run, *start, "--minutes", options.text)
    how = *batch, "--rate", options.rate, "--minutes", options.unet
    # No file tells that it is done: its minutes are up, which it finds in its checkpoint.
    yield _stage(model / "model_index.json", "train_denoiser", *run, *start, *how)
    yield _stage(model / "model_index.json", "export", *run, "--folder", model)
    teacher, guidance, substeps = model, options.guidance, 6
    for steps in (4, 2):
        folder = options.run / f"fast-{steps}"
        lesson = "--teacher", teacher, "--steps", steps, "--guidance", guidance, "--substeps", substeps
        done = last_part(options.run, steps, 128, options.paths)
        yield _stage(done, "paths", *run, *batch, *lesson, "--count", options.paths)
        how = "--paths", *batch, "--minutes", options.distil, "--folder", folder
        yield _stage(folder / "bridge.json", "distil", *run, *lesson, *how)
        teacher, guidance, substeps = folder, 1, 2


def figure_stages(options: argparse.Namespace) -> Iterator[Stage]:
    """Yield the figures and contact sheets of the model and of its students."""
    judge = "--judge", options.run / "judge", "--no-timing"
    for name, steps, guidance in (("model", 20, options.guidance), ("fast-4", 4, 1), ("fast-2", 2, 1)):
        drawn = "--folder", options.run / name, "--steps", steps, "--guidance", guidance
        figures = options.run / f"{name}.json"
        yield _stage(figures, "evaluate", *judge, *drawn, "--json", figures)
        for suffix, more in (("", ()), ("-pairs", ("--pairs",))):
            sheet = options.run / f"{name}{suffix}.png"
            yield _stage(sheet, "sheet", *drawn, "--output", sheet, *more)


def start_with(run: Path, start: Path) -> None:
    """Give the run the autoencoder and the card of the model folder that it goes on from."""
    (run / "model").mkdir(parents=True, exist_ok=True)
    shutil.copy(start / "bridge.json", run / "model" / "bridge.json")
    weights = run / "autoencoder.pt"
    if not weights.exists():
        autoencoder = AutoencoderKL.from_pretrained(start / "vae", torch_dtype=torch.float32)
        torch.save(autoencoder.state_dict(), weights)


class Worker:
    """Runs stages one after another, and passes a request to end on to the one that runs."""

    def __init__(self, *machine: str) -> None:
        self.machine = machine
        self.processes: list[subprocess.Popen[bytes]] = []

    def begin(self, stage: Stage) -> subprocess.Popen[bytes] | None:
        """Start a stage unless it is done."""
        if stage.leaves.exists():
            return None
        command = stage.command(self.machine)
        print("==", " ".join(command[2:]), flush=True)
        self.processes.append(subprocess.Popen(command))
        return self.processes[-1]

    def finish(self, process: subprocess.Popen[bytes] | None) -> None:
        """Wait for a stage; one that fails ends the program with its exit status."""
        if process and process.wait():
            self.stop()
            sys.exit(process.returncode)

    def stop(self) -> None:
        """Ask the running stages to write their checkpoints, and end."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait()
        sys.exit(128 + signal.SIGTERM)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--start", type=Path, required=True, help="model folder to go on from")
    parser.add_argument("--small", type=int, default=40_000, help="pictures of 128 pixels")
    parser.add_argument("--large", type=int, default=4_000, help="pictures of 256 pixels")
    parser.add_argument("--paths", type=int, default=8_000, help="pictures whose making each student learns")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes that draw pictures")
    parser.add_argument("--batch", type=int, default=256, help="pictures in a step")
    parser.add_argument("--rate", type=float, default=8e-4, help="peak learning rate of the U-Net")
    parser.add_argument("--guidance", type=float, default=3.0, help="of the model, folded into its students")
    for name, minutes in (("judge", 3), ("decoder", 2), ("text", 2), ("unet", 10), ("distil", 4)):
        parser.add_argument(f"--{name}", type=float, default=minutes, help="minutes of its training")
    arguments = parse(parser)
    start_with(arguments.run, arguments.start)
    worker = Worker("--threads", str(arguments.threads), "--device", str(arguments.device))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    for stage in data_stages(arguments):
        worker.finish(worker.begin(stage))
    judge = worker.begin(judge_stage(arguments))
    for stage in training_stages(arguments):
        worker.finish(worker.begin(stage))
    worker.finish(judge)
    for stage in figure_stages(arguments):
        worker.finish(worker.begin(stage))


if __name__ == "__main__":
    main()
