"""A scene in a real window that lives on while other programs paint: questions lie in a folder, answers beside them."""

import json
import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from live import paint, top_down
from live_window import NAME, editors, wear
from window import shot, until


def serve(addon, folder):
    """Share the image that the cube wears, save the file, then do what is asked until `end`."""
    yield 0.5
    image = wear(NAME)
    yield from editors(image)
    bpy.ops.latent_bridge.share(image=NAME)
    yield from until(lambda: is_shared(addon))
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder, "worn.blend")))
    return (yield from answering(addon, folder))


def resume(addon, folder):
    """Open the file that an earlier Blender saved, and go on."""
    yield 0.5
    bpy.ops.wm.open_mainfile(filepath=str(Path(folder, "worn.blend")))
    yield from until(lambda: is_shared(addon))
    return (yield from answering(addon, folder))


def is_shared(addon):
    """Whether the daemon has opened the canvas."""
    found = addon.live.sharing.current().of(bpy.data.images.get(NAME))
    return found is not None and found.canvas is not None


def is_worn():
    """Whether the cube's material has the image."""
    nodes = bpy.data.objects["Cube"].active_material.node_tree.nodes
    return any(node.type == "TEX_IMAGE" and node.image == bpy.data.images[NAME] for node in nodes)


def answering(addon, folder):
    """Answer what is asked, between what Blender does of itself."""
    answers = {
        "pixels": lambda: top_down(bpy.data.images[NAME]).hex(),
        "paint": lambda *words: paint(bpy.data.images[NAME], *words),
        "members": lambda: addon.live.sharing.current().of(bpy.data.images[NAME]).canvas.members,
        "worn": is_worn,
        "shot": lambda path: shot(*os.path.split(path)),
        "process": os.getpid,
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
