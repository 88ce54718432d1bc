# SPDX-License-Identifier: GPL-3.0-or-later
"""Latent Bridge for Krita: a docker that asks the bridge's daemon for layers.

docker.py         widgets                                     Qt
host.py           documents, selections, layers, settings     Krita; the only module that imports `krita`
controller.py     what a press of Generate leads to           Qt
bridge_thread.py  the connection to the daemon                Qt and the bridge's client
request.py, state.py, form.py                                 pure: they run and are tested without Krita
"""

import sys

# Krita loads its module before any plugin; outside Krita, in a test of the pure parts, there is none.
if "krita" in sys.modules:
    from .plugin import install

    install()
