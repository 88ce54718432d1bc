"""Tiny real models, built once, and an engine to run jobs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bridge.engine.quiet import quieten_libraries
from tests.engine.bench import Bench
from tests.tiny_models import build_tiny_sd, build_tiny_sd3, build_tiny_sdxl


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models gain nothing from threads and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    quieten_libraries()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Stable Diffusion 1, XL and 3 in the small, a second 1 with other weights, and one made for inpainting."""
    root = tmp_path_factory.mktemp("models")
    return {
        "sd": build_tiny_sd(root / "sd"),
        "other": build_tiny_sd(root / "other", seed=7),
        "sdxl": build_tiny_sdxl(root / "sdxl"),
        "sd3": build_tiny_sd3(root / "sd3"),
        "inpaint": build_tiny_sd(root / "inpaint", unet_channels=9),
    }


@pytest.fixture(scope="session")
def bench(models: dict[str, Path]) -> Bench:
    """An engine that every test may use, which is the point: no job may matter to another."""
    return Bench(models)


@pytest.fixture
def fresh_bench(models: dict[str, Path]) -> Bench:
    """An engine that has loaded nothing yet."""
    return Bench(models)
