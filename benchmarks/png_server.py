"""A bare diffusers pipeline behind HTTP, for comparison: a PNG comes by PUT, is scaled, painted over, and goes back.

    python benchmarks/png_server.py MODEL SIDE PROMPT STEPS STRENGTH

Prints its port.
"""

from __future__ import annotations

import io
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForImage2Image
from PIL import Image


def main() -> None:
    """Serve until terminated."""
    model, side, prompt, steps, strength = sys.argv[1:]
    pipe = AutoPipelineForImage2Image.from_pretrained(model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)

    def paint(image: Image.Image) -> Image.Image:
        small = image.convert("RGB").resize((int(side), int(side)), Image.Resampling.BILINEAR, reducing_gap=2.0)
        generator = torch.Generator("cpu").manual_seed(1)
        arguments: dict[str, Any] = {"num_inference_steps": int(steps), "strength": float(strength)}
        pixels = pipe(
            prompt, image=small, guidance_scale=1.0, generator=generator, output_type="np", **arguments
        ).images[0]
        return Image.fromarray((pixels * 255 + 0.5).astype(np.uint8))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            """Paint over a picture."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            image = Image.open(io.BytesIO(body))
            image.load()
            began = time.time()
            painted = paint(image)
            ended = time.time()
            buffer = io.BytesIO()
            painted.save(buffer, "PNG", compress_level=1)
            self.send_response(200)
            self.send_header("Content-Length", str(buffer.tell()))
            self.send_header("X-Model-Began", str(began))
            self.send_header("X-Model-Ended", str(ended))
            self.end_headers()
            self.wfile.write(buffer.getvalue())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
