"""What the bridge costs: the bare pipeline, the same through the bridge, and the same through PNG + base64 over HTTP.

    python benchmarks/overhead.py [--json FILE] [--runs N] [--jobs N]

All three sides run in one go on the same machine, interleaved, so that their ratios mean something on a noisy one.
The HTTP side is what the usual servers do, re-created as plainly as possible: a POST with base64 PNGs in JSON and the
same in the answer, on the standard library's server with keep-alive.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# As the engine does: threads that spin at barriers fight each other wherever cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.daemon import running_daemon
from bridge.client import Bridge, LinkSettings, connect
from bridge.client.canvas import Canvas
from bridge.daemon.config import BUILTIN_MODELS
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage

MODEL = BUILTIN_MODELS / "bridge-textures"
PROMPT = "grey stone"
GUIDANCE = 4.0


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--runs", type=int, default=7, help="pairs of pipeline runs")
    parser.add_argument("--transports", type=int, default=15, help="transport-only exchanges of each kind")
    parser.add_argument("--jobs", type=int, default=1000, help="small jobs before memory is read the second time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, running_daemon(Path(home)) as bridge:
        memory = {"daemon_idle_mb": idle_memory(bridge)}
        figures = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
            "pipeline_512": measure_pipeline(bridge, options.runs),
            "transport_512": measure_transport(bridge, 512, options.transports),
            "transport_1024": measure_transport(bridge, 1024, options.transports),
            "round_trip_ms": measure_round_trip(bridge),
        }
        memory |= memory_after(bridge, options.jobs)
        figures["memory"] = memory
        # Last: canvases stay in the daemon's memory for a while after they are closed.
        sides = (64, 1024, 4096)
        figures["canvas"] = {str(side): measure_canvas(bridge, side, options.transports) for side in sides}
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def noise(side: int) -> np.ndarray:
    """A picture that compresses about as badly as a photograph with grain, RGBA uint8."""
    rng = np.random.default_rng(5)
    smooth = Image.fromarray(rng.integers(0, 255, (side // 16, side // 16, 3), dtype=np.uint8)).resize((side, side))
    grainy = np.asarray(smooth, np.int16) + rng.normal(0, 6, (side, side, 3)).astype(np.int16)
    rgba = np.full((side, side, 4), 255, np.uint8)
    rgba[..., :3] = grainy.clip(0, 255)
    return rgba


def timed(function: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def measure_pipeline(bridge: Bridge, runs: int) -> dict[str, Any]:
    """512² image-to-image: bare, through the bridge, and through PNG + base64 over HTTP; interleaved."""
    import torch
    from diffusers import AutoPipelineForImage2Image

    pixels = noise(512)
    bare = BarePipeline(AutoPipelineForImage2Image.from_pretrained(MODEL, dtype=torch.float32))
    task = ImageToImage(image=as_picture(pixels), prompt=PROMPT, strength=0.5, steps=8, guidance_scale=GUIDANCE, seed=1)
    samples: dict[str, list[float]] = {"bare": [], "bridge": [], "png_base64_http": []}
    engine_share: list[float] = []
    with png_server(bare.run) as port:
        client = PngClient(port)
        for number in range(runs + 1):
            seconds = {
                "bare": timed(lambda: bare.run(pixels)),
                "png_base64_http": timed(lambda: client.exchange(pixels)),
            }
            job_seconds, inside = bridge_run(bridge, task)
            seconds["bridge"] = job_seconds
            if number:  # the first of each warms up
                for name, value in seconds.items():
                    samples[name].append(value)
                engine_share.append(job_seconds - inside)
    medians = {name: statistics.median(values) * 1e3 for name, values in samples.items()}
    return {
        "median_ms": medians,
        "bridge_minus_bare_ms": medians["bridge"] - medians["bare"],
        "bridge_outside_the_engine_ms": statistics.median(engine_share) * 1e3,
        "bridge_over_bare": medians["bridge"] / medians["bare"],
        "png_base64_over_bare": medians["png_base64_http"] / medians["bare"],
    }


def bridge_run(bridge: Bridge, task: ImageToImage) -> tuple[float, float]:
    """Seconds of a job as its client sees it, and the seconds of it that the engine reports for itself."""
    began = time.perf_counter()
    job = bridge.submit(task)
    job.result(timeout=600)
    seconds = time.perf_counter() - began
    return seconds, sum(float(value) for value in job.timings.values())


class BarePipeline:
    """What a script would do that had the pipeline in its own process."""

    def __init__(self, pipeline: Any) -> None:
        import torch

        self._torch = torch
        self._pipeline = pipeline
        pipeline.set_progress_bar_config(disable=True)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """RGBA in, RGBA out."""
        torch = self._torch
        image = torch.from_numpy(pixels[..., :3].copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            result = self._pipeline(
                prompt=PROMPT,
                image=image,
                strength=0.5,
                num_inference_steps=8,
                guidance_scale=GUIDANCE,
                generator=torch.Generator().manual_seed(1),
                output_type="np",
            ).images[0]
        out = np.full((*result.shape[:2], 4), 255, np.uint8)
        out[..., :3] = (result * 255).round().astype(np.uint8)
        return out


def measure_transport(bridge: Bridge, side: int, exchanges: int) -> dict[str, Any]:
    """There and back without any model: strength 0 returns the input, the HTTP server echoes it."""
    pixels = noise(side)
    task = ImageToImage(image=as_picture(pixels), prompt=PROMPT, strength=0.0, seed=1)
    raw, png = [], []
    with png_server(lambda image: image) as port:
        client = PngClient(port)
        for number in range(exchanges + 1):
            job_seconds, inside = bridge_run(bridge, task)
            seconds = timed(lambda: client.exchange(pixels))
            if number:
                raw.append(job_seconds - inside)
                png.append(seconds)
    raw_ms, png_ms = statistics.median(raw) * 1e3, statistics.median(png) * 1e3
    return {"bridge_ms": raw_ms, "png_base64_http_ms": png_ms, "ratio": png_ms / raw_ms}


class PngHandler(BaseHTTPRequestHandler):
    """POST {"image": base64 PNG} → {"image": base64 PNG}."""

    protocol_version = "HTTP/1.1"
    work: Callable[[np.ndarray], np.ndarray]

    def do_POST(self) -> None:
        """Decode, work, encode."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = type(self).work(decode_png(body["image"]))
        answer = json.dumps({"image": encode_png(result)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def png_server(work: Callable[[np.ndarray], np.ndarray]) -> Iterator[int]:
    """The usual way to serve pictures, on a loopback port."""
    handler = type("Handler", (PngHandler,), {"work": staticmethod(work)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class PngClient:
    """The usual client of it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._connection.connect()

    def exchange(self, pixels: np.ndarray) -> np.ndarray:
        """Send a picture and get one back."""
        self._connection.request("POST", "/", json.dumps({"image": encode_png(pixels)}))
        return decode_png(json.loads(self._connection.getresponse().read())["image"])


def encode_png(pixels: np.ndarray) -> str:
    """PNG at zlib level 1, the fastest that compresses, as the fast servers do."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def decode_png(text: str) -> np.ndarray:
    """Pixels of a base64 PNG."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def as_picture(pixels: np.ndarray) -> Picture:
    """RGBA pixels as they travel."""
    return Picture(pixels.shape[1], pixels.shape[0], PixelFormat.RGBA8, pixels.tobytes())


def measure_round_trip(bridge: Bridge) -> float:
    """Median of a request that does nothing, ms."""
    return statistics.median(timed(bridge.ping) for _ in range(300)) * 1e3


def measure_canvas(bridge: Bridge, side: int, runs: int) -> dict[str, float]:
    """A part of a canvas changed and acknowledged, through files and through the connection, medians in ms."""
    picture, seconds = as_picture(noise(side)), {}
    with connect(client_name="without files", settings=LinkSettings(share_files=False)) as without:
        for way, client in (("files", bridge), ("connection", without)):
            canvas = client.open_canvas(f"{way} {side}", side, side)

            def patched(canvas: Canvas = canvas) -> None:
                canvas.patch(0, 0, picture)
                canvas.settle(60)

            seconds[f"{way}_ms"] = statistics.median(timed(patched) for _ in range(runs)) * 1e3
            canvas.close()
    return seconds


def idle_memory(bridge: Bridge) -> float:
    """Resident memory of the daemon process, MB."""
    return bridge.ping().daemon_memory / 1e6


def memory_after(bridge: Bridge, jobs: int) -> dict[str, float]:
    """Memory of the daemon after many jobs with pictures of 256 kB each way."""
    task = ImageToImage(image=as_picture(noise(256)), prompt=PROMPT, strength=0.0, seed=1)
    began = time.perf_counter()
    for _ in range(jobs):
        bridge.submit(task).result(timeout=60)
    seconds = time.perf_counter() - began
    bridge.generate(PROMPT, width=64, height=64, steps=2)
    state = bridge.ping()
    return {
        "jobs": jobs,
        "daemon_after_mb": state.daemon_memory / 1e6,
        "engine_mb": state.engine_memory / 1e6,
        "jobs_per_second": jobs / seconds if seconds else 0.0,
    }


def report(figures: dict[str, Any]) -> None:
    """Print both sides of every comparison."""
    pipeline, memory = figures["pipeline_512"], figures["memory"]
    medians = pipeline["median_ms"]
    print(f"\n{figures['machine']}\n")
    print("512² image-to-image, 4 of 8 steps, median       ms   over bare")
    for name, label in (
        ("bare", "bare pipeline call"),
        ("bridge", "through the bridge, raw pixels"),
        ("png_base64_http", "through PNG + base64 over HTTP"),
    ):
        print(f"  {label:<38} {medians[name]:9.1f}   {medians[name] / medians['bare']:6.3f} ×")
    print(f"  bridge outside the engine (target < 5)   {pipeline['bridge_outside_the_engine_ms']:7.2f}")
    for side in (512, 1024):
        transport = figures[f"transport_{side}"]
        print(f"\n{side}² there and back, nothing computed, median  ms")
        print(f"  bridge, raw pixels                     {transport['bridge_ms']:9.2f}")
        print(f"  PNG + base64 over HTTP                 {transport['png_base64_http_ms']:9.2f}")
        print(f"  ratio (target at 1024²: ≥ 10)          {transport['ratio']:9.1f} ×")
    for side, ways in figures["canvas"].items():
        print(f"\n{side}² of a canvas changed and acknowledged, median  ms")
        print(f"  through files (not where it is small)  {ways['files_ms']:9.2f}")
        print(f"  through the connection                 {ways['connection_ms']:9.2f}")
    print(f"\nround trip of a no-op (target < 1)       {figures['round_trip_ms']:9.2f} ms")
    print("\nresident memory, MB (target: daemon < 120)")
    print(f"  daemon, idle                           {memory['daemon_idle_mb']:9.1f}")
    print(f"  daemon, after {memory['jobs']:>5} jobs               {memory['daemon_after_mb']:9.1f}")
    print(f"  engine, after them                     {memory['engine_mb']:9.1f}")


if __name__ == "__main__":
    main()
