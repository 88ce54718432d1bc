"""What the engine costs beside bare diffusers: loading, the first picture, the steady state, every stage, memory.

    python benchmarks/engine.py [--model FOLDER] [--side 512] [--steps 20] [--pictures 5] [--device cpu] [--json FILE]

Each side runs in a process of its own, so that its peak memory is its own; the processes take turns, so that a noisy
machine is noisy for both. The arithmetic limit is what a large matrix product reaches on the same device and threads.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# As the engine does: threads that spin at barriers fight each other wherever cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from bridge.daemon.catalogue import read_folder
from bridge.daemon.config import BUILTIN_MODELS

PROMPT = "grey stone"
STAGES = ("encoding", "denoising", "decoding", "finishing")


@dataclass(frozen=True)
class Side:
    """What one side did, in seconds and MB.

    Attributes:
        load_cold: the first load in a fresh process, imports left out.
        load_warm: the second, with everything imported and the files in the system's cache.
        first: the first picture after a load.
        steady: median of the further pictures.
        stages: median seconds of each stage of the further pictures; for bare diffusers what can be told apart.
        peak_mb: most resident memory of the process, or of the device where it is one with its own.
    """

    load_cold: float
    load_warm: float
    first: float
    steady: float
    stages: dict[str, float]
    peak_mb: float


def main() -> None:
    """Measure both sides, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODELS / "bridge-textures", help="a diffusers folder")
    parser.add_argument("--side", type=int, default=512, help="of the picture, px")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=5, help="after the first")
    parser.add_argument("--turns", type=int, default=2, help="processes of each side")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--only", choices=("engine", "bare", "limit"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps({"engine": run_engine, "bare": run_bare, "limit": run_limit}[options.only](options)))
        return
    turns: dict[str, list[dict[str, Any]]] = {"bare": [], "engine": []}
    for _ in range(options.turns):
        for name, found in turns.items():
            found.append(child(name))
    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "model": options.model.name,
        "side": options.side,
        "steps": options.steps,
        **{name: median_of(found) for name, found in turns.items()},
        "limit": child("limit"),
    }
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def child(name: str) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", name]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found


def median_of(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of every figure."""
    return {
        key: median_of([turn[key] for turn in turns])
        if isinstance(value, dict)
        else statistics.median(turn[key] for turn in turns)
        for key, value in turns[0].items()
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it returns."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def peak_mb(kind: str) -> float:
    """Most memory so far, in MB."""
    if kind == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def run_engine(options: argparse.Namespace) -> dict[str, Any]:
    """The engine without its process: loading, planning, painting, finishing."""
    from bridge.engine.cancellation import AbortFlag
    from bridge.engine.device import choose_device
    from bridge.engine.models.shelf import ModelShelf
    from bridge.engine.quiet import quieten_libraries
    from bridge.engine.runner import Runner
    from bridge.protocol.engine_link import Ended, LinkMessage, Run
    from bridge.protocol.tasks import TextToImage

    quieten_libraries()
    device, said = choose_device(options.device), list[LinkMessage]()
    shelf = ModelShelf(device)
    runner = Runner(device, shelf, said.append)
    source = read_folder(options.model).source
    task = TextToImage(prompt=PROMPT, width=options.side, height=options.side, steps=options.steps, seed=1)

    def picture() -> dict[str, float]:
        said.clear()
        runner.run(Run(job_id="a", task=task, model=source), AbortFlag())
        ended = said[-1]
        if not isinstance(ended, Ended) or ended.error is not None:
            raise SystemExit(f"the engine failed: {ended}")
        return {stage: float(str(ended.timings.get(stage, 0.0))) for stage in STAGES}

    load_cold, _ = timed(lambda: shelf.get(source, lambda: None))
    shelf.clear()
    load_warm, _ = timed(lambda: shelf.get(source, lambda: None))
    first, _ = timed(picture)
    further = [timed(picture) for _ in range(options.pictures)]
    stages = {stage: statistics.median(stages[stage] for _, stages in further) for stage in STAGES}
    steady = statistics.median(seconds for seconds, _ in further)
    return asdict(Side(load_cold, load_warm, first, steady, stages, peak_mb(device.kind)))


def run_bare(options: argparse.Namespace) -> dict[str, Any]:
    """What a plain script would do."""
    import torch
    from diffusers import AutoPipelineForText2Image

    from bridge.engine.device import choose_device
    from bridge.engine.quiet import quieten_libraries

    quieten_libraries()
    device = choose_device(options.device)
    card = read_folder(options.model).source

    def load() -> Any:
        dtype = torch.float16 if device.kind == "cuda" else torch.float32
        pipe = AutoPipelineForText2Image.from_pretrained(options.model, dtype=dtype).to(device.place)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def picture(pipe: Any) -> dict[str, float]:
        marks = [time.perf_counter()]

        def step_done(_pipe: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            if step + 1 == options.steps:
                marks.append(time.perf_counter())
            return tensors

        with torch.inference_mode():
            pipe(
                PROMPT,
                width=options.side,
                height=options.side,
                num_inference_steps=options.steps,
                guidance_scale=card.guidance_scale,
                generator=torch.Generator("cpu").manual_seed(1),
                output_type="np",
                callback_on_step_end=step_done,
            )
        # The script cannot tell the encoding of its prompt from the first step.
        return {"denoising": marks[1] - marks[0], "decoding": time.perf_counter() - marks[1]}

    load_cold, pipe = timed(load)
    del pipe
    load_warm, pipe = timed(load)
    first, _ = timed(lambda: picture(pipe))
    further = [timed(lambda: picture(pipe)) for _ in range(options.pictures)]
    stages = {stage: statistics.median(stages[stage] for _, stages in further) for stage in further[0][1]}
    steady = statistics.median(seconds for seconds, _ in further)
    return asdict(Side(load_cold, load_warm, first, steady, stages, peak_mb(device.kind)))


def run_limit(options: argparse.Namespace) -> dict[str, Any]:
    """Operations of one guided step, and what the device reaches in a large matrix product."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from bridge.engine.device import choose_device
    from bridge.engine.models.shelf import ModelShelf

    device = choose_device(options.device)
    source = read_folder(options.model).source
    pipe = ModelShelf(device).get(source, lambda: None).base
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        pipe(
            PROMPT,
            width=options.side,
            height=options.side,
            num_inference_steps=1,
            guidance_scale=source.guidance_scale,
            output_type="latent",
        )
    side = 4096 if device.is_accelerator else 1536
    left = torch.randn(side, side, device=device.place, dtype=pipe.dtype)
    best = min(timed(lambda: (left @ left)[0, 0].item())[0] for _ in range(8))
    return {"gflop_per_step": counter.get_total_flops() / 1e9, "device_gflops": 2 * side**3 / best / 1e9}


def report(figures: dict[str, Any]) -> None:
    """Print both sides of every comparison."""
    bare, engine, limit = figures["bare"], figures["engine"], figures["limit"]
    print(f"\n{figures['machine']}; {figures['model']}, {figures['side']}², {figures['steps']} steps\n")
    print(f"{'median':<34}{'bare diffusers':>16}{'engine':>12}{'ratio':>9}")
    rows = [
        ("load, first in the process, s", "load_cold"),
        ("load again, s", "load_warm"),
        ("first picture, s", "first"),
    ]
    for label, key in (*rows, ("further pictures, s", "steady"), ("peak memory, MB", "peak_mb")):
        print(f"{label:<34}{bare[key]:>16.2f}{engine[key]:>12.2f}{engine[key] / bare[key]:>8.2f}×")
    for stage in STAGES:
        seen = f"{bare['stages'][stage]:.3f}" if stage in bare["stages"] else "in denoising"
        print(f"  {stage + ', s':<32}{seen:>16}{engine['stages'][stage]:>12.3f}")
    step = engine["stages"]["denoising"] / figures["steps"]
    reached = limit["gflop_per_step"] / step
    print(f"\none step: {step * 1e3:.1f} ms, {limit['gflop_per_step']:.2f} GFLOP, {reached:.0f} GFLOP/s")
    share = reached / limit["device_gflops"]
    print(f"matrix product on the same device: {limit['device_gflops']:.0f} GFLOP/s; a step reaches {share:.0%} of it")


if __name__ == "__main__":
    main()
