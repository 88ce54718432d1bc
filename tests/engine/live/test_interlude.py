"""Frames made between two steps of a job of the same model: the job paints the bytes that it paints alone, always."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bridge.engine.cancellation import AbortFlag
from bridge.engine.link import Frame
from bridge.engine.live.frames import FrameMaker
from bridge.engine.live.interlude import Interlude
from bridge.engine.runner import Runner
from bridge.protocol.engine_link import AdapterSource, Ended, Framed, LinkMessage, Produced, Progressed, Run, Tick
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import (
    Control,
    Generation,
    ImageToImage,
    Inpaint,
    LoraUse,
    Region,
    SurfaceMaps,
    TextToImage,
    Upscale,
)
from tests.engine.bench import Bench, mask_picture, random_picture
from tests.tiny_adapters import (
    build_controlnet,
    build_ip_adapter,
    build_packed_controlnet,
    build_sd3_controlnet,
    build_t2i_adapter,
    deepen_sd3,
    lora_layers,
    save_diffusers,
)
from tests.tiny_families import build_tiny

PICTURE = random_picture(64, 64)
EDGES = random_picture(64, 64, PixelFormat.RGB8, seed=4)
LEFT = mask_picture(64, 64, (0, 0, 32, 64))
WRITTEN = TextToImage(prompt="moss", width=64, height=64, seed=3, steps=4)
CHANGED = ImageToImage(prompt="moss", image=PICTURE, strength=0.9, seed=3, steps=5)
SKETCH = ImageToImage(prompt="a", image=random_picture(64, 64, seed=8), strength=0.5, steps=4, seed=1)
REGIONS = (Region(mask=LEFT, prompt="bricks"),)
Sources = dict[str, AdapterSource]


def by(adapter: str) -> tuple[Control, ...]:
    return (Control(image=EDGES, adapter=adapter),)


@dataclass
class Orders:
    """Frames that wait, put there at the second step of a job."""

    frames: deque[Frame] = field(default_factory=deque)

    def waiting_frame(self) -> Frame | None:
        return self.frames[0] if self.frames else None

    def take_frame(self) -> Frame | None:
        return self.frames.popleft() if self.frames else None


@dataclass
class Told:
    """What an engine said of a job, and of the frames that it was interrupted by."""

    messages: list[LinkMessage] = field(default_factory=list)

    @property
    def layer(self) -> bytes:
        (ended,) = [message for message in self.messages if isinstance(message, Ended) and message.job_id == "job"]
        assert ended.error is None, ended.error
        (produced,) = [message for message in self.messages if isinstance(message, Produced)]
        return bytes(produced.layer.picture.pixels)

    @property
    def frames(self) -> list[bytes]:
        for message in self.messages:
            assert not isinstance(message, Ended) or message.error is None, message.error
        return [bytes(message.pictures[0].pixels) for message in self.messages if isinstance(message, Framed)]


def ran(
    bench: Bench,
    task: Generation | SurfaceMaps,
    model: str,
    sources: Sources,
    frames: Sequence[Generation] = (),
    side: int = 64,
) -> Told:
    """Run a job; at its second step, or part, frames are asked for."""
    told, orders, adapters = Told(), Orders(), tuple(sources.values())
    ticks = [
        Tick(job_id=f"frame {n}", task=f, model=bench.source(model), adapters=adapters, width=side, height=side)
        for n, f in enumerate(frames)
    ]

    def send(message: LinkMessage) -> None:
        told.messages.append(message)
        if isinstance(message, Progressed) and message.stage in ("denoising", "mapping") and message.step == 2:
            orders.frames.extend(Frame(tick) for tick in ticks)
            ticks.clear()

    interlude = Interlude(orders, FrameMaker(bench.device, bench.shelf, send), bench.shelf)
    order = Run(job_id="job", task=task, model=bench.source(model), adapters=adapters, preview_side=16)
    Runner(bench.device, bench.shelf, send, interlude=interlude).run(order, AbortFlag())
    assert not ticks, "the frames were asked for"
    return told


@pytest.fixture(scope="module")
def families(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("interlude")
    others = {family: build_tiny(family, root / family) for family in ("flux", "sana")}
    return Bench({**models, **others, "sd3": deepen_sd3(models["sd3"], root / "sd3")})


@pytest.fixture(scope="module")
def sources(families: Bench, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    root, sd = tmp_path_factory.mktemp("adapters"), families.models["sd"]
    word = root / "word.safetensors"
    save_file({"emb_params": torch.randn(2, 32, generator=torch.Generator().manual_seed(0))}, word)
    return {
        "net": AdapterSource("net", "controlnet", str(build_controlnet(sd, root / "net"))),
        "sd3-net": AdapterSource(
            "sd3-net", "controlnet", str(build_sd3_controlnet(families.models["sd3"], root / "sd3-net"))
        ),
        "flux-net": AdapterSource(
            "flux-net", "controlnet", str(build_packed_controlnet(families.models["flux"], root / "flux-net", "flux"))
        ),
        "t2i": AdapterSource("t2i", "t2i-adapter", str(build_t2i_adapter(root / "t2i"))),
        "ip": AdapterSource("ip", "ip-adapter", str(build_ip_adapter(sd, root / "ip"))),
        "moss": AdapterSource("moss", "lora", str(save_diffusers(lora_layers(sd), root / "moss.safetensors"))),
        "word": AdapterSource("word", "embedding", str(word)),
    }


JOBS: dict[str, tuple[str, Generation]] = {
    "plain": ("sd", WRITTEN),
    "plain, from a picture": ("sd", CHANGED),
    "inpaint": ("sd", Inpaint(prompt="moss", image=PICTURE, mask=LEFT, seed=3, steps=5)),
    "inpaint by the network": ("inpaint", Inpaint(prompt="moss", image=PICTURE, mask=LEFT, seed=3, steps=5)),
    "noise at every step": ("sd", replace(CHANGED, scheduler="euler_a")),
    "several steps remembered": ("sd", replace(CHANGED, scheduler="dpmpp_2m", steps=8)),
    "regions": ("sd", replace(WRITTEN, regions=REGIONS)),
    "regions, sd3": ("sd3", replace(CHANGED, regions=REGIONS)),
    "controlnet": ("sd", replace(WRITTEN, controls=by("net"))),
    "controlnet, sd3": ("sd3", replace(WRITTEN, controls=by("sd3-net"))),
    "controlnet, flux": ("flux", replace(WRITTEN, controls=by("flux-net"))),
    "t2i-adapter": ("sd", replace(CHANGED, controls=by("t2i"))),
    "ip-adapter": ("sd", replace(CHANGED, controls=by("ip"))),
    "seamless": ("sd", replace(WRITTEN, seamless="xy")),
    "seamless, sd3": ("sd3", replace(CHANGED, seamless="x")),
    "lora": ("sd", replace(CHANGED, loras=(LoraUse("moss", 0.7),))),
    "embedding": ("sd", replace(CHANGED, prompt="a <embedding:word> b")),
    "tiles": ("sd", Upscale(prompt="moss", image=PICTURE, scale=1.5, strength=0.7, seed=3, steps=4)),
    "two passes": ("sd", replace(WRITTEN, width=130, height=96)),
    "start emulated": ("sana", CHANGED),
}

UNALTERED = (
    "plain", "plain, from a picture", "inpaint", "inpaint by the network", "noise at every step",
    "several steps remembered", "embedding", "start emulated", "two passes",
)  # fmt: skip
"""Jobs whose networks do what they were trained for when they are interrupted, so that a frame can be made."""


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_is_untouched_and_so_is_the_frame(families: Bench, sources: Sources, kind: str) -> None:
    model, job = JOBS[kind]
    frame: Generation = SKETCH
    if model == "inpaint":
        frame = Inpaint(prompt="a", image=SKETCH.image, mask=LEFT, seed=1, steps=4)
    alone = ran(families, job, model, sources)
    interrupted = ran(families, job, model, sources, [frame])
    assert interrupted.layer == alone.layer
    assert bool(interrupted.frames) == (kind in UNALTERED)
    if interrupted.frames:
        maker = Told()
        tick = Tick(job_id="alone", task=frame, model=families.source(model), width=64, height=64)
        FrameMaker(families.device, families.shelf, maker.messages.append).make(tick, AbortFlag())
        assert interrupted.frames == maker.frames
    assert ran(families, job, model, sources).layer == alone.layer


def test_surface_maps_let_frames_in_too(families: Bench) -> None:
    job = SurfaceMaps(image=PICTURE, maps=("occlusion",))
    interrupted = ran(families, job, "sd", {}, [SKETCH])
    assert len(interrupted.frames) == 1
    order = [type(message) for message in interrupted.messages]
    assert order.index(Framed) < order.index(Produced), "it was made before the map was"
    assert interrupted.layer == ran(families, job, "sd", {}).layer


FRAMES: dict[str, Generation] = {
    "lora": replace(SKETCH, loras=(LoraUse("moss", 0.7),)),
    "embedding": replace(SKETCH, prompt="a <embedding:word> b"),
    "masked": Inpaint(prompt="a", image=SKETCH.image, mask=LEFT, seed=1, steps=4),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("job", ["plain", "plain, from a picture", "embedding"])
def test_whatever_a_frame_adds_to_the_model_is_gone_for_the_job(
    fresh_bench: Bench, sources: Sources, kind: str, job: str
) -> None:
    """On an engine where it was never added before."""
    alone = ran(fresh_bench, JOBS[job][1], "sd", sources)
    interrupted = ran(fresh_bench, JOBS[job][1], "sd", sources, [FRAMES[kind], SKETCH])
    assert len(interrupted.frames) == 2, "both were made between the steps"
    assert interrupted.layer == alone.layer
