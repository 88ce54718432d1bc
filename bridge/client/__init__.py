"""The client: one connection to the daemon, jobs, results. Synchronous, pure Python, Python 3.10+.

    from bridge.client import connect, layer_to_pil

    with connect() as bridge:
        layer = bridge.inpaint(image, mask, "mossy cobblestone")
        layer_to_pil(layer).save("moss.png")

Knows the protocol and websockets, nothing else; numpy and pillow are used when the caller brings them.
"""

from .bridge import Bridge, connect
from .canvas import Canvas
from .images import as_mask, as_picture, layer_to_numpy, layer_to_pil, picture_to_numpy, picture_to_pil
from .job import Job
from .link import Connection, ConnectionState, LinkSettings

__all__ = [
    "Bridge",
    "Canvas",
    "Connection",
    "ConnectionState",
    "Job",
    "LinkSettings",
    "as_mask",
    "as_picture",
    "connect",
    "layer_to_numpy",
    "layer_to_pil",
    "picture_to_numpy",
    "picture_to_pil",
]
