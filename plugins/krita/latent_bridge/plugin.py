# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together."""

from __future__ import annotations

import os

from . import host
from .bridge_thread import BridgeThread
from .controller import Controller
from .daemon_choice import load_choice
from .docker import BridgePanel
from .live.canvas_list import CanvasList
from .live.panel import LivePanel
from .live.session import LiveSession
from .live.sharing import Sharing
from .modes import MANNERS
from .settings_dialog import SettingsOpener

DOCKER = "latent_bridge_docker"
LIVE_DOCKER = "latent_bridge_live_docker"
CANVAS_VARIABLE = "LATENT_BRIDGE_CANVAS"
"""Environment variable that names a canvas to be opened at the start, as when another program starts Krita."""


def install() -> None:
    """Offer the docker and the actions to Krita. Called once, when the plugin is loaded."""
    krita = host.Host()
    choice = load_choice(krita.read_setting)
    bridge = BridgeThread(f"krita {krita.version()}", choice)
    controller = Controller(krita, bridge)
    settings = SettingsOpener(krita, controller, bridge.client_name)
    controller.settings_wanted.connect(lambda: settings.show())
    sharing = Sharing(krita, bridge)
    live = LiveSession(controller, krita, sharing)
    host.register_docker(DOCKER, "Latent Bridge", lambda parent: BridgePanel(controller, parent), controller.look)
    host.register_docker(
        LIVE_DOCKER,
        "Latent Bridge Live",
        lambda parent: LivePanel(live, CanvasList(krita, sharing, live.follow), controller.open, parent),
        sharing.changed.emit,
    )
    krita.on_window(lambda: host.stack_dockers(DOCKER, LIVE_DOCKER))
    if choice.starts and not choice.remote:
        krita.on_window(bridge.open_with_daemon)
    wanted = os.environ.get(CANVAS_VARIABLE)
    if wanted:
        sharing.open_at_start(wanted, live.follow)
    host.register_actions(
        {
            "latent_bridge_generate": ("Latent Bridge: Generate", controller.generate),
            "latent_bridge_cancel": ("Latent Bridge: Cancel", controller.cancel),
            "latent_bridge_again": ("Latent Bridge: Generate Again", controller.again),
            "latent_bridge_vary": ("Latent Bridge: Vary", controller.vary),
            "latent_bridge_recipe": ("Latent Bridge: Edit the Recipe", controller.use_recipe),
            "latent_bridge_settings": ("Latent Bridge: Settings…", controller.settings_wanted.emit),
            "latent_bridge_live": ("Latent Bridge: Live On or Off", live.toggle),
            "latent_bridge_live_apply": ("Latent Bridge: Live Picture to Layer", live.apply),
            **{
                f"latent_bridge_mode_{mode.value}": (
                    f"Latent Bridge: Mode {manner.title}",
                    lambda mode=mode: controller.set_mode(mode),
                )
                for mode, manner in MANNERS.items()
            },
        }
    )
