# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together."""

from __future__ import annotations

from . import host
from .bridge_thread import BridgeThread
from .controller import Controller
from .docker import BridgePanel

DOCKER = "latent_bridge_docker"


def install() -> None:
    """Offer the docker and the actions to Krita. Called once, when the plugin is loaded."""
    krita = host.Host()
    controller = Controller(krita, BridgeThread(f"krita {krita.version()}"))
    host.register_docker(DOCKER, "Latent Bridge", lambda parent: BridgePanel(controller, parent))
    host.register_actions(
        {
            "latent_bridge_generate": ("Latent Bridge: Generate", controller.generate),
            "latent_bridge_cancel": ("Latent Bridge: Cancel", controller.cancel),
        }
    )
