"""From the pen to what a model makes of it: a live canvas, and the way that is usual, side by side.

    python benchmarks/live.py [--json FILE] [--seconds N] [--sides 512 1024] [--model FOLDER]

A trace of strokes is replayed by a real client against the real daemon, then against the usual way, re-created as a
plain script: every 100 ms it is looked whether the canvas has changed, if so the whole of it goes as a PNG over HTTP to
a process with the bare pipeline, one request at a time, and a PNG comes back. Both compute the same pictures with the
same model; what is compared is what is added to that: of the time between a change and the picture that first shows
it, what the model is not busy in. Whichever frame it is busy with is the same.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# As the engine does: threads that spin at barriers fight each other wherever cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.daemon import running_daemon
from benchmarks.strokes import Painting, trace
from bridge.client import Bridge
from bridge.daemon.config import BUILTIN_MODELS
from bridge.protocol.live import LiveFrame, LiveSettings
from bridge.protocol.pixels import Picture, PixelFormat

PROMPT = "red brick wall"
STEPS, STRENGTH = 4, 0.5
POLL_SECONDS = 0.1
SERVER = Path(__file__).with_name("png_server.py")


@dataclass(frozen=True)
class Shown:
    """A frame that has arrived.

    Attributes:
        change: number of the newest change in it, from 1.
        got: when its pixels were here, seconds since the epoch.
        busy: from when to when the model worked on it, seconds since the epoch.
        nbytes: of its pixels as they travelled.
        computed: side that the model computed, px.
    """

    change: int
    got: float
    busy: tuple[float, float]
    nbytes: int
    computed: int


@dataclass(frozen=True)
class Session:
    """What came of a trace.

    Attributes:
        captured: when each change was made, seconds since the epoch.
        frames: in the order in which they came.
        sent_bytes: pixels that went to the model's side.
        given_up: frames begun and not finished.
    """

    captured: list[float]
    frames: list[Shown]
    sent_bytes: int
    given_up: int

    def figures(self) -> dict[str, float]:
        """For the table."""
        latencies, overheads, position = [], [], 0
        for change, captured in enumerate(self.captured, start=1):
            while position < len(self.frames) and self.frames[position].change < change:
                position += 1
            if position < len(self.frames):
                got = self.frames[position].got
                latencies.append(got - captured)
                overheads.append(got - captured - self._busy(captured, got))
        seconds = self.captured[-1] - self.captured[0]
        return {
            "changes": len(self.captured),
            "frames": len(self.frames),
            "frames_per_second": len(self.frames) / seconds,
            "given_up": self.given_up,
            "never_shown": len(self.captured) - len(latencies),
            "model_busy_share": self._busy(self.captured[0], self.captured[-1]) / seconds,
            "computed_side_px": self.frames[-1].computed,
            "sent_kib_per_change": self.sent_bytes / len(self.captured) / 1024,
            "received_kib_per_frame": statistics.mean(frame.nbytes for frame in self.frames) / 1024,
            **{f"latency_ms_p{p}": percentile(latencies, p) * 1e3 for p in (50, 95, 99)},
            **{f"overhead_ms_p{p}": percentile(overheads, p) * 1e3 for p in (50, 95, 99)},
        }

    def _busy(self, began: float, ended: float) -> float:
        """Seconds between two times in which the model worked."""
        return sum(max(0.0, min(ended, until) - max(began, since)) for since, until in (f.busy for f in self.frames))


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seconds", type=float, default=20, help="length of the trace")
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 1024], help="of the canvas, px")
    parser.add_argument("--model", type=Path, default=BUILTIN_MODELS / "bridge-textures-fast")
    parser.add_argument("--draft-seconds", type=float, default=0.25, help="time that a draft may take")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"}
    with tempfile.TemporaryDirectory() as home, running_daemon(Path(home), "--model", str(options.model)) as bridge:
        figures["device"] = bridge.ping().device
        for side in options.sides:
            live = replay_live(bridge, side, options.seconds, options.draft_seconds)
            figures[str(side)] = {"bridge": live.figures(), "computed": live.frames[-1].computed}
    for side in options.sides:
        with png_server(options.model, figures[str(side)]["computed"]) as port:
            figures[str(side)]["usual"] = replay_usual(port, side, options.seconds).figures()
    report(figures, options.sides)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def replay_live(bridge: Bridge, side: int, seconds: float, draft_seconds: float) -> Session:
    """Paint on a live canvas."""
    painting, canvas = Painting(side), bridge.open_canvas(f"benchmark {side}", side, side)
    canvas.patch(0, 0, picture_of(painting.pixels))
    canvas.settle(30)
    frames: list[tuple[LiveFrame, float]] = []
    canvas.live.on_frame = lambda frame: frames.append((frame, seen_at(frame)))
    canvas.live.watch(rate=1000)
    settings = LiveSettings(
        prompt=PROMPT,
        steps=STEPS,
        strength=STRENGTH,
        guidance_scale=1.0,
        seed=1,
        draft_seconds=draft_seconds,
        full=False,
    )
    canvas.live.start(settings)
    for _ in range(6):  # loads the model, and finds out how large drafts may be
        count = len(frames)
        painting.dab(next(trace(1)))
        canvas.patch(0, 0, picture_of(painting.pixels))
        wait_for(lambda: len(frames) > count)  # noqa: B023 - used within the turn
    canvas.settle(30)
    first, given_up, sent = canvas.revision, frames[-1][0].given_up, 0
    frames.clear()
    captured, began = [], time.time()
    for position in trace(seconds):
        time.sleep(max(0.0, began + position.seconds - time.time()))
        area = painting.dab(position)
        part = painting.pixels[area.y : area.bottom, area.x : area.right]
        captured.append(time.time())
        canvas.patch_all([(area.x, area.y, picture_of(part))], captured=captured[-1])
        sent += part.nbytes
    wait_for(lambda: frames and frames[-1][0].revision >= first + len(captured))
    canvas.live.stop()
    canvas.close()
    frames = [(frame, got) for frame, got in frames if frame.revision > first]
    shown = [
        Shown(frame.revision - first, got, busy, frame.picture.nbytes, frame.picture.width)
        for (frame, got), busy in zip(frames, busy_times([frame for frame, _ in frames]), strict=True)
    ]
    return Session(captured, shown, sent, frames[-1][0].given_up - given_up)


def busy_times(frames: list[LiveFrame]) -> list[tuple[float, float]]:
    """From when to when the model worked on each frame; with it, on those that were given up for it."""
    times, ended, given_up = [], 0.0, frames[0].given_up
    for frame in frames:
        stamps = frame.stamps
        began = ended if ended and frame.given_up > given_up else stamps.started
        times.append((began, stamps.decoded))
        ended, given_up = stamps.decoded, frame.given_up
    return times


def replay_usual(port: int, side: int, seconds: float) -> Session:
    """Paint on a canvas that is looked at every 100 ms and sent as a whole."""
    painting, changes, captured = Painting(side), 0, []
    frames: list[Shown] = []
    sent = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    exchange(connection, painting.pixels)  # loads the model
    painted = threading.Event()

    def paint() -> None:
        nonlocal changes
        began = time.time()
        for position in trace(seconds):
            time.sleep(max(0.0, began + position.seconds - time.time()))
            painting.dab(position)
            captured.append(time.time())
            changes += 1
        painted.set()

    painter = threading.Thread(target=paint)
    painter.start()
    seen = 0
    while not painted.is_set() or seen < changes:
        time.sleep(POLL_SECONDS)
        if changes == seen:
            continue
        seen = changes
        pixels, nbytes, busy, out = exchange(connection, painting.pixels)
        sent += out
        frames.append(Shown(seen, time.time(), busy, nbytes, pixels.shape[1]))
    painter.join()
    return Session(captured, frames, sent, 0)


def exchange(
    connection: http.client.HTTPConnection, pixels: np.ndarray
) -> tuple[np.ndarray, int, tuple[float, float], int]:
    """Send a picture and get one: its pixels, its bytes, from when to when the model worked, and the bytes sent."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    body = buffer.getvalue()
    connection.request("PUT", "/", body)
    response = connection.getresponse()
    answer = response.read()
    began, ended = (float(response.headers[name]) for name in ("X-Model-Began", "X-Model-Ended"))
    return np.asarray(Image.open(io.BytesIO(answer))), len(answer), (began, ended), len(body)


@contextmanager
def png_server(model: Path, side: int) -> Iterator[int]:
    """The bare pipeline behind HTTP, in a process of its own."""
    command = [sys.executable, str(SERVER), str(model), str(side), PROMPT, str(STEPS), str(STRENGTH)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield int(line)
    finally:
        process.terminate()
        process.wait(20)


def seen_at(frame: LiveFrame) -> float:
    """When a program has the pixels before it, seconds since the epoch."""
    np.frombuffer(frame.picture.pixels, np.uint8).reshape(frame.picture.height, frame.picture.width, -1)
    return time.time()


def picture_of(pixels: np.ndarray) -> Picture:
    """RGBA pixels as they travel."""
    return Picture(pixels.shape[1], pixels.shape[0], PixelFormat.RGBA8, np.ascontiguousarray(pixels).tobytes())


def wait_for(condition: Any, seconds: float = 120) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("nothing came within two minutes")
        time.sleep(0.005)


def percentile(values: list[float], share: float) -> float:
    """The value below which so many per cent lie."""
    return float(np.percentile(values, share))


def report(figures: dict[str, Any], sides: list[int]) -> None:
    """Print both sides of every comparison."""
    print(f"\n{figures['machine']}; {figures['device']}")
    for side in sides:
        ours, usual = figures[str(side)]["bridge"], figures[str(side)]["usual"]
        print(f"\ncanvas of {side}², computed at {ours['computed_side_px']} px       live canvas    PNG, HTTP, polling")
        for key, label in (
            ("changes", "changes made"),
            ("frames", "frames shown"),
            ("frames_per_second", "frames a second"),
            ("model_busy_share", "share of time the model is busy"),
            ("given_up", "frames given up for newer ones"),
            ("sent_kib_per_change", "sent, KiB a change"),
            ("received_kib_per_frame", "received, KiB a frame"),
            ("latency_ms_p50", "pen to picture, ms, p50"),
            ("latency_ms_p95", "                    p95"),
            ("latency_ms_p99", "                    p99"),
            ("overhead_ms_p50", "of that not the model, ms, p50"),
            ("overhead_ms_p95", "                           p95"),
            ("overhead_ms_p99", "                           p99"),
        ):
            print(f"  {label:<38} {ours[key]:12.2f}  {usual[key]:12.2f}")
        ratio = usual["overhead_ms_p50"] / ours["overhead_ms_p50"]
        print(f"  overhead, usual / ours (target ≥ 5)    {ratio:12.1f} ×")
        if side == 512:
            print("  (targets at 512²: overhead ≤ 10 ms p50, ≤ 25 ms p95)")


if __name__ == "__main__":
    main()
