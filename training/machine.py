"""Where a script runs: the options that all scripts share, and the precision that suits the device."""

import argparse
from contextlib import AbstractContextManager
from pathlib import Path

import torch


def options(
    description: str | None, *, minutes: float | None = None, seed: int | None = None, run: bool = True
) -> argparse.ArgumentParser:
    """Return a parser of --threads and --device, and of --run, --minutes and --seed where they are asked for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if run:
        parser.add_argument("--run", type=Path, required=True, help="folder of this run")
    if minutes is not None:
        parser.add_argument("--minutes", type=float, default=minutes, help="in all, resumed parts included")
    if seed is not None:
        parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    parser.add_argument("--device", type=torch.device, default=default_device(), help="cuda where there is one")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line and set torch's threads by it."""
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    return arguments


def default_device() -> torch.device:
    """Return the first CUDA device, or the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which networks compute in bfloat16 on CUDA and in float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
