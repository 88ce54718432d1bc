# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge's own packages: those in the `vendor` folder of an installed add-on, or those of a checkout.

`vendor` is a package of this add-on (see `bridge/cli/plugin_bundle.py`), so nothing here touches `sys.path`, and
what other add-ons bring under the same names stays theirs.
"""

import importlib
from importlib.util import find_spec

ROOT = f"{__package__}.vendor.bridge" if find_spec(f"{__package__}.vendor") else "bridge"

areas = importlib.import_module(f"{ROOT}.protocol.areas")
canvases = importlib.import_module(f"{ROOT}.protocol.canvases")
errors = importlib.import_module(f"{ROOT}.protocol.errors")
live = importlib.import_module(f"{ROOT}.protocol.live")
locations = importlib.import_module(f"{ROOT}.protocol.locations")
messages = importlib.import_module(f"{ROOT}.protocol.messages")
pixels = importlib.import_module(f"{ROOT}.protocol.pixels")
private_file = importlib.import_module(f"{ROOT}.protocol.private_file")
tasks = importlib.import_module(f"{ROOT}.protocol.tasks")
wording = importlib.import_module(f"{ROOT}.protocol.wording")


def load_client():
    """The client package. Loaded late, because it takes the websocket library with it."""
    return importlib.import_module(f"{ROOT}.client")


def load_finding():
    """The module that reads addresses."""
    return importlib.import_module(f"{ROOT}.client.finding")


def load_trial():
    """The module that asks a daemon what it is."""
    return importlib.import_module(f"{ROOT}.client.trial")


def load_starter():
    """The module that finds an installed daemon and starts it."""
    return importlib.import_module(f"{ROOT}.client.starter")
