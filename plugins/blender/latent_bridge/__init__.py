# SPDX-License-Identifier: GPL-3.0-or-later
"""Latent Bridge for Blender: textures and pictures from the bridge's daemon.

panels/       what is drawn                                        bpy
operators/    what a button does                                   bpy
session.py    takes what threads left, on the main thread          bpy
ticking.py, shortcuts.py, status_bar.py    what Blender calls, keys, and the line below    bpy
animation.py, render_pass.py, render_hooks.py    renders           bpy
images.py, materials.py    data-blocks                             bpy
connection.py the connection to the daemon, on its own threads     the bridge's client
daemon_choice.py, trial.py, kept_token.py    which daemon, and trying it out; pure
jobs.py, happenings.py, progress.py, frames.py, journal.py, pictures.py, floats.py, requests.py    pure: they run and
              are tested without Blender
live/         images as canvases, shared with other programs; likewise
projection/   projecting onto meshes: `register()` and `unregister()` in its `__init__.py`
"""

bl_info = {
    "name": "Latent Bridge",
    "author": "The latent-bridge project",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View, Shader Editor, Image Editor ▸ Sidebar ▸ Bridge",
    "description": "Textures and pictures from the diffusion models of a local daemon",
    "category": "Material",
}


def register():
    """Called by Blender when the add-on is switched on."""
    from . import registration

    registration.register()


def unregister():
    """Called by Blender when the add-on is switched off, and when Blender quits."""
    from . import registration

    registration.unregister()
