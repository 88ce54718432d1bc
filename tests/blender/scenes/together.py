"""A scene in a real window that lives on while other programs paint: questions lie in a folder, answers beside them."""

import json
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from live import paint, top_down
from live_window import NAME, wear
from window import until


def serve(addon, folder):
    """Share the image that the cube wears, then do what is asked until `end`."""
    bpy.context.preferences.view.show_splash = False
    yield 0.5
    yield from until(lambda: addon.session.current().state == "connected")
    sharing = addon.live.sharing.current()
    wear(NAME)
    bpy.ops.latent_bridge.share(image=NAME)
    yield from until(lambda: (found := sharing.of(bpy.data.images[NAME])) and found.canvas is not None)
    answers = {
        "pixels": lambda: top_down(bpy.data.images[NAME]).hex(),
        "paint": lambda *words: paint(bpy.data.images[NAME], *words),
        "members": lambda: sharing.of(bpy.data.images[NAME]).canvas.members,
        "worn": lambda: any(
            node.type == "TEX_IMAGE" and node.image == bpy.data.images[NAME]
            for node in bpy.data.objects["Cube"].active_material.node_tree.nodes
        ),
        "live": lambda: sharing.of(bpy.data.images[NAME]).preview.info.state,
    }
    question, answer = Path(folder, "question.json"), Path(folder, "answer.json")
    while True:
        if question.exists():
            name, *words = json.loads(question.read_text())
            question.unlink()
            if name == "end":
                return "ended"
            half = answer.with_suffix(".half")
            half.write_text(json.dumps(answers[name](*words)))
            half.rename(answer)
        yield 0.03
