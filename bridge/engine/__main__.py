"""`python -m bridge.engine`: the engine process, or a look at what it would run on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bridge.engine", description=__doc__)
    parser.add_argument("--shared-pixels", type=Path, metavar="DIR", help="folder of the shared pixel buffers")
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder for the pixels of results")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0 leaves it to torch")
    parser.add_argument(
        "--model-memory", type=int, default=0, metavar="BYTES", help="for weights; 0 takes half of what there is"
    )
    parser.add_argument(
        "--parked-memory", type=int, metavar="BYTES", help="of main memory, for models that had to leave the device"
    )
    parser.add_argument("--safety-filter", type=Path, metavar="DIR", help="folder of a safety checker")
    parser.add_argument("--probe", action="store_true", help="print what there is as JSON, and end")
    options = parser.parse_args(arguments)
    if options.probe:
        from .probe import print_probe

        return print_probe(options.device)
    if options.shared_pixels is None:
        parser.error("--shared-pixels is required")
    from .process import EngineOptions, serve_pipes

    return serve_pipes(
        EngineOptions(
            shared_pixels=options.shared_pixels,
            results=options.results,
            device=options.device,
            threads=options.threads,
            model_memory=options.model_memory,
            parked_memory=options.parked_memory,
            safety_filter=options.safety_filter,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
