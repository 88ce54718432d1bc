"""Everything about a daemon that can be configured, with defaults that suit one person on one machine."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.hub.cache import cache_folder
from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import Limits

BUILTIN_MODELS = Path(__file__).resolve().parents[1] / "engine" / "builtin"
"""Models that ship with the package. A folder, not an import: the daemon never loads the engine."""


@dataclass(frozen=True)
class Settings:
    """How a daemon runs.

    Attributes:
        host: address to listen on. Anything but loopback needs TLS.
        port: TCP port; 0 takes a free one.
        models: folders or hub ids; the first is the default model.
        model_folders: folders whose subfolders are models.
        hub_cache: what was downloaded from the hub, by this program or another.
        token_file: where the access token lies; made when missing.
        allowed_origins: values of the Origin header that are accepted; browsers send it, programs do not.
        tls_certificate: PEM file; with `tls_key` the daemon speaks TLS only.
        tls_key: PEM file.
        limits: what clients may ask for.
        history_bytes: how much stored results may take before the oldest are evicted, in bytes.
        device: "auto", "cpu", "cuda" or "mps".
        model_memory: bytes that the weights of models may take; 0 for half of the device's memory.
        parked_memory: bytes of main memory for models that had to leave a device; None for a quarter of it.
        safety_filter: folder of a safety checker that holds pictures back; None lets everything pass.
        idle_release: seconds without a job after which models are put away; 0 keeps them.
        log_level: "debug", "info", "warning" or "error".
        log_json: one JSON object a line instead of text for people.
        ping_interval: seconds between websocket pings.
        ping_timeout: seconds after which a silent peer counts as gone.
        runtime_folder: discovery file and engine log.
        data_folder: history and pixels.
    """

    host: str = "127.0.0.1"
    port: int = locations.DEFAULT_PORT
    models: tuple[str, ...] = ()
    model_folders: tuple[Path, ...] = (BUILTIN_MODELS,)
    hub_cache: Path = field(default_factory=cache_folder)
    token_file: Path = field(default_factory=lambda: locations.config_folder() / locations.TOKEN_NAME)
    allowed_origins: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    limits: Limits = field(default_factory=Limits)
    history_bytes: int = 4 << 30
    device: str = "auto"
    model_memory: int = 0
    parked_memory: int | None = None
    safety_filter: Path | None = None
    idle_release: float = 900.0
    log_level: str = "info"
    log_json: bool = False
    ping_interval: float = 10.0
    ping_timeout: float = 20.0
    runtime_folder: Path = field(default_factory=locations.runtime_folder)
    data_folder: Path = field(default_factory=locations.data_folder)

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls_certificate is not None and self.tls_key is not None

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Refuse settings that are not safe.

        Raises:
            BridgeError: `invalid_field`, with what to change.
        """
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                "TLS needs both a certificate and a key.",
                hint="Give --tls-cert and --tls-key.",
            )
        if not self.loopback and not self.tls:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"Refusing to listen on {self.host} without TLS: the token and all pictures would travel in the open.",
                hint="Give --tls-cert and --tls-key, or listen on 127.0.0.1 and use an SSH tunnel.",
                field="host",
            )
