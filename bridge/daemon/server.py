"""Starts and ends the daemon: the port, the discovery file, signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import structlog
import uvicorn

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.shared_pixels import SharedPixels, preferred_parent

from .app import SERVICE_NAME, build_app
from .catalogue import Catalogue
from .config import Settings
from .downloads import Downloads
from .engine_process import EngineProcess
from .guard import LOOPBACK_HOSTS, Policy
from .history import History
from .logs import configure_logs
from .service import BridgeService
from .token import ensure_token

log = structlog.get_logger()

SHARED_POINTER = "shared-pixels"
"""File in the data folder that names the folder of shared pixels, so that the next daemon can remove it."""
FRAME_OVERHEAD = 4
"""The websocket accepts messages this many times the announced limit, so that a refusal can be said politely."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        BridgeError: when the settings are unsafe, the certificate is none, the port is taken, or a folder is unusable.
    """
    settings.check()
    if settings.tls_certificate is not None:
        check_certificate(settings.tls_certificate, settings.tls_key)
    configure_logs(settings.log_level, settings.log_json)
    token = ensure_token(settings.token_file)
    listener = open_listener(settings)
    # uvicorn raises the signal that ended it once more, for whoever handled it before; nobody needs it here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    with listener:
        asyncio.run(_serve(settings, token, listener))


def check_certificate(certificate: Path, key: Path | None) -> None:
    """Whether the daemon could serve with a certificate.

    Raises:
        BridgeError: `invalid_field` when it could not, with the reason.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        missing = [path for path in (certificate, key) if path is not None and not path.is_file()]
        problem = f"there is no {missing[0]}" if missing else f"the files do not belong together, or are none: {error}"
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"TLS cannot be served with {certificate} and {key}: {problem}.",
            hint="Give --tls-cert the certificate and --tls-key its key, both as PEM files.",
        ) from error


def open_listener(settings: Settings) -> socket.socket:
    """Bind the port, or say who has it.

    Raises:
        BridgeError: `invalid_field` for the field `port`.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it small messages wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            # Without it a restart has to wait for old connections; on Windows it would let two daemons share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"Cannot listen on {settings.host}:{settings.port}: {describe_occupant(settings) or error}.",
            hint="Use the daemon that runs, or give another --port (0 takes a free one).",
            field="port",
        ) from error
    return listener


def describe_occupant(settings: Settings) -> str:
    """Who answers at the port of `settings`; empty when nobody does."""
    url = f"http://{settings.host}:{settings.port}{locations.HEALTH_PATH}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as reply:
            about = json.loads(reply.read(4096))
    except urllib.error.HTTPError as error:
        return f"another web server is there ({error.headers.get('Server', 'unnamed')})"
    except (OSError, ValueError):
        return ""
    if isinstance(about, dict) and about.get("service") == SERVICE_NAME:
        found = locations.read_discovery(settings.runtime_folder / locations.DISCOVERY_NAME)
        pid = (
            f", process {found.pid}"
            if found and found.url.endswith(f":{settings.port}{locations.WEBSOCKET_PATH}")
            else ""
        )
        return f"a bridge daemon is there already (version {about.get('version')}{pid})"
    return "another program is there"


async def _serve(settings: Settings, token: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    async with contextlib.AsyncExitStack() as ending:
        history = await History.open(settings.data_folder, settings.history_bytes)
        ending.push_async_callback(history.close)
        shared = SharedPixels(_fresh_shared_folder(settings.data_folder))
        ending.callback(shutil.rmtree, shared.folder, ignore_errors=True)
        results = history.pixels.incoming
        command = _engine_command(settings, shared, results)
        engine = EngineProcess(command, shared, results, settings.runtime_folder / "engine.log")
        catalogue = Catalogue(settings.models, settings.model_folders, settings.hub_cache)
        downloads = Downloads(settings.hub_cache, settings.runtime_folder / "downloads.log")
        service = BridgeService(engine, history, catalogue, shared, downloads, settings.limits, settings.idle_release)
        ending.push_async_callback(service.close)
        await service.start()
        discovery = _announce(settings, port)
        ending.callback(_withdraw, discovery)
        await _server(settings, build_app(service, _policy(settings, token))).serve(sockets=[listener])
    log.info("daemon ended")


def _server(settings: Settings, app: object) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]  # an ASGI application; uvicorn's own type is narrower than the standard
            ws="websockets-sansio",
            ws_max_size=settings.limits.message_bytes * FRAME_OVERHEAD,
            ws_ping_interval=settings.ping_interval,
            ws_ping_timeout=settings.ping_timeout,
            # Deflate makes raw pixels ten times slower on the same machine and hardly smaller.
            ws_per_message_deflate=False,
            http="h11",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
    )


def _policy(settings: Settings, token: str) -> Policy:
    # Beyond this machine nobody can know all names and forwarded ports that lead here; TLS is required there.
    hosts = LOOPBACK_HOSTS if settings.loopback else None
    return Policy(token, hosts, frozenset(settings.allowed_origins))


def _announce(settings: Settings, port: int) -> Path:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    host = f"[{reachable}]" if ":" in reachable else reachable
    url = f"{'wss' if settings.tls else 'ws'}://{host}:{port}{locations.WEBSOCKET_PATH}"
    discovery = settings.runtime_folder / locations.DISCOVERY_NAME
    certificate = str(settings.tls_certificate.absolute()) if settings.tls_certificate else ""
    locations.Discovery(url, os.getpid(), str(settings.token_file), certificate).write(discovery)
    log.info("listening", url=url, token_file=str(settings.token_file))
    return discovery


def _withdraw(discovery: Path) -> None:
    found = locations.read_discovery(discovery)
    if found is not None and found.pid == os.getpid():
        discovery.unlink(missing_ok=True)


def _engine_command(settings: Settings, shared: SharedPixels, results: SharedPixels) -> tuple[str, ...]:
    options = {
        "--shared-pixels": shared.folder,
        "--results": results.folder,
        "--device": settings.device,
        "--model-memory": settings.model_memory,
        "--parked-memory": settings.parked_memory,
        "--safety-filter": settings.safety_filter,
    }
    given = [text for name, value in options.items() if value is not None for text in (name, str(value))]
    return (sys.executable, "-m", "bridge.engine", *given)


def _fresh_shared_folder(data_folder: Path) -> Path:
    """An empty folder for shared pixels; what a former daemon left behind is removed."""
    pointer = data_folder / SHARED_POINTER
    if pointer.is_file():
        former = Path(pointer.read_text(encoding="utf-8"))
        if former.name.startswith(f"{SERVICE_NAME}-"):
            shutil.rmtree(former, ignore_errors=True)
    parent = preferred_parent()
    folder = Path(tempfile.mkdtemp(prefix=f"{SERVICE_NAME}-", dir=parent))
    pointer.write_text(str(folder), encoding="utf-8")
    return folder
