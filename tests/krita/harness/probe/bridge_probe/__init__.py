# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin for tests only: runs named commands, one JSON line each, from a local socket on Krita's main thread."""

import faulthandler
import os

from krita import Extension, Krita

from .server import Server

faulthandler.enable()


class Probe(Extension):
    """Listens from the moment that Krita has loaded its plugins."""

    def setup(self):
        path = os.environ.get("BRIDGE_PROBE_SOCKET")
        self.server = Server(path) if path else None

    def createActions(self, window):
        pass


Krita.instance().addExtension(Probe(Krita.instance()))
