"""The engine process: owns the pipes, imports torch, runs jobs one at a time until told to end."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bridge.protocol import locations
from bridge.protocol.engine_link import Ready, Release, Released
from bridge.protocol.errors import BridgeError
from bridge.protocol.shared_pixels import SharedPixels

from .faults import VARIABLE, faults_from
from .link import Frame, Link


@dataclass(frozen=True)
class EngineOptions:
    """How an engine runs.

    Attributes:
        shared_pixels: folder of the shared pixel buffers.
        results: folder for the pixels of results; None puts them with the others.
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; 0 leaves it to torch.
        model_memory: bytes that weights may take; 0 for half of the device's memory.
        parked_memory: bytes of main memory for models that had to leave the device; None for a quarter of it.
        safety_filter: folder of a safety checker; None lets everything pass.
    """

    shared_pixels: Path
    device: str = "auto"
    threads: int = 0
    model_memory: int = 0
    parked_memory: int | None = None
    safety_filter: Path | None = None
    results: Path | None = None


def serve_pipes(options: EngineOptions) -> int:
    """Run the engine on stdin and stdout. Returns the exit status; the daemon's death ends the process anyhow."""
    # Libraries print. Keep the real stdout to ourselves and let everybody else's words go to the log.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    results = SharedPixels(options.results or options.shared_pixels)
    link = Link(os.fdopen(os.dup(0), "rb"), sink, SharedPixels(options.shared_pixels), results)
    link.start()
    try:
        _serve(link, options)
    except BridgeError as error:
        print(f"engine: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        link.left()
    # Threads and atexit handlers of libraries have nothing to add, and some take seconds.
    sys.stderr.flush()
    os._exit(0)


def _serve(link: Link, options: EngineOptions) -> None:
    # Downloads are not the engine's business; some loaders would ask a hub for files that a model lacks.
    os.environ["HF_HUB_OFFLINE"] = "1"
    # OpenMP threads that spin while they wait starve each other where cores are shared: a job measured on two busy
    # cores took 64 s with spinning and 1.5 s without. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    import torch

    if options.threads > 0:
        torch.set_num_threads(options.threads)
    from .device import choose_device
    from .live.frames import FrameMaker
    from .live.interlude import Interlude
    from .models.fingerprint import CACHE_NAME
    from .models.loading import LoadedModel
    from .models.parking import Parking
    from .models.shelf import ModelShelf
    from .quiet import quieten_libraries
    from .runner import Runner
    from .safety import SafetyFilter, load_judge
    from .schedulers import scheduler_names
    from .versions import versions

    quieten_libraries()
    device = choose_device(options.device)
    faults = faults_from(os.environ.get(VARIABLE, ""))
    # Where a device has no memory of its own, leaving it makes no room in main memory.
    parking = Parking[LoadedModel](options.parked_memory if device.has_own_memory else 0)
    shelf = ModelShelf(device, options.model_memory or None, locations.data_folder() / CACHE_NAME, parking)
    send = link.send
    if options.safety_filter is not None:
        send = SafetyFilter(load_judge(options.safety_filter, device), send).send
    frames = FrameMaker(device, shelf, send, faults)
    interlude = Interlude(link, frames, shelf)
    runner = Runner(device, shelf, send, faults, interlude)
    link.send(
        Ready(
            pid=os.getpid(),
            device=device.name,
            memory_total=device.memory_total(),
            memory_free=device.memory_free(),
            versions=versions(),
            schedulers=scheduler_names(),
        )
    )
    while (order := link.next_order()) is not None:
        if isinstance(order, Release):
            link.send(Released(freed=shelf.clear(park=order.park)))
        elif isinstance(order, Frame):
            frames.make(order.tick, order.abort)
        else:
            runner.run(order.run, order.abort)
            frames.free_now()
