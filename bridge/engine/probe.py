"""What the engine would run on, as one JSON object for `latent-bridge doctor`."""

from __future__ import annotations

import json


def print_probe(wanted: str) -> int:
    """Print device, memory (bytes) and versions, or `{"error": …}`. Returns the exit status."""
    try:
        import torch

        from .device import choose_device
        from .versions import versions

        device = choose_device(wanted)
        found = {
            "device": device.kind,
            "device_name": device.name,
            "memory_total": device.memory_total(),
            "memory_free": device.memory_free(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda or "",
            "diffusers": str(versions()["diffusers"]),
            "versions": versions(),
        }
    # A broken torch fails with anything from ImportError to OSError, and telling so is the point of a probe.
    except Exception as error:  # noqa: BLE001 - see above
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    print(json.dumps(found))
    return 0
