"""Scenes: the preferences name a daemon."""

from pathlib import Path

import bpy


def remote(addon, address, token, certificate, gone):
    """A daemon behind TLS: tried with every field wrong in turn, then used."""
    settings = addon.session.preferences()
    found = {}
    for name, values in {
        "untrusted": (address, token, ""),
        "wrong token": (address, "wrong", certificate),
        "missing file": (address, token, gone),
        "no daemon": ("wss://127.0.0.1:9", token, certificate),
        "right": (address, token, certificate),
    }.items():
        settings.address, settings.token, settings.certificate = values
        assert bpy.ops.latent_bridge.test_connection(wait=30) == {"FINISHED"}
        trial = addon.session.current().trial
        words = [trial.error.message, trial.choice.in_our_words(trial.error)] if trial.error else []
        found[name] = {"lines": list(trial.lines), "error": words}
    connected = bpy.ops.latent_bridge.connect(wait=30) == {"FINISHED"}
    fields = bpy.context.scene.latent_bridge
    fields.prompt, fields.size, fields.width, fields.height, fields.steps = "moss", "custom", 64, 64, 1
    bpy.ops.latent_bridge.texture()
    bpy.ops.latent_bridge.wait(timeout=60)
    job = list(addon.session.current().jobs.values())[-1]
    bpy.ops.wm.save_userpref()
    saved = Path(bpy.utils.user_resource("CONFIG"), "userpref.blend").read_bytes()
    inside = [text.encode() in saved for text in (address, token)]
    return {
        **found,
        "in Blender's file": inside,
        "connected": connected,
        "phase": job.phase.value,
        "error": job.error,
    }


def started(addon):
    """No daemon runs: the button starts the one that is installed."""
    bpy.ops.latent_bridge.connect()
    session = addon.session.current()
    assert session.wait(lambda: session.error is not None, 20)
    missing = session.error.message
    offered = bpy.ops.latent_bridge.start_daemon.poll()
    assert bpy.ops.latent_bridge.start_daemon() == {"FINISHED"}
    connected = session.wait(lambda: session.state == "connected", 60)
    return {
        "missing": missing,
        "offered": offered,
        "connected": connected,
        "message": session.message,
        "offered again": bpy.ops.latent_bridge.start_daemon.poll(),
    }
