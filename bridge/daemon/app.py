"""The daemon's front door: HTTP and websocket on one port, as an ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from bridge import __version__
from bridge.protocol import PROTOCOL_VERSION, locations

from .connection import Connection
from .guard import Guard, Policy
from .service import BridgeService

SERVICE_NAME = "latent-bridge"


def build_app(service: BridgeService, policy: Policy) -> ASGIApp:
    """The application that serves `service` to whoever `policy` lets in."""

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"service": SERVICE_NAME, "version": __version__, "protocol": PROTOCOL_VERSION})

    async def conversation(websocket: WebSocket) -> None:
        await Connection(websocket, service).serve()

    routes = [Route(locations.HEALTH_PATH, health), WebSocketRoute(locations.WEBSOCKET_PATH, conversation)]
    return Guard(Starlette(routes=routes), policy)
