"""Who may talk to the daemon at all: checked at the HTTP handshake, before any frame is read.

A page in a browser can reach a loopback port, so three things are asked of every request: a Host that is ours
(against DNS rebinding), no foreign Origin (against cross-site websockets, CWE-1385), and the token.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger()

OPEN_PATHS = frozenset({"/health"})
"""Paths that need no token; they tell nothing but that a daemon is here."""
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names under which programs on this machine reach it."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Verdict:
    """The answer to a request: 0 lets it pass, else an HTTP status with a reason for people."""

    status: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Policy:
    """What is accepted.

    Attributes:
        token: the access token.
        hosts: accepted names in the Host header, lower case, with any port, as tunnels begin at ports of their own;
            None for any name, where a certificate keeps browsers from taking this daemon for another host.
        origins: accepted values of the Origin header.
    """

    token: str
    hosts: frozenset[str] | None
    origins: frozenset[str] = frozenset()

    def judge(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Verdict:
        """Decide on a request by its headers (names in lower case, as ASGI gives them)."""
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        hosts = by_name.get("host", [])
        host = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if host is None or (self.hosts is not None and host[1] not in self.hosts):
            return Verdict(403, "This Host is not served here.")
        if any(origin not in self.origins for origin in by_name.get("origin", [])):
            return Verdict(403, "This Origin is not allowed; see --allow-origin.")
        if path in OPEN_PATHS:
            return Verdict()
        scheme, _, given = by_name.get("authorization", [""])[0].partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token.encode()):
            return Verdict(401, "The token is missing or wrong.")
        return Verdict()


class Guard:
    """ASGI middleware that turns away whoever the policy refuses."""

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        verdict = self._policy.judge(scope["path"], scope["headers"])
        if verdict.status == 0:
            await self._app(scope, receive, send)
            return
        log.info("turned away", path=scope["path"], status=verdict.status, reason=verdict.reason)
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        body = (verdict.reason + "\n").encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        if verdict.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": f"{kind}.start", "status": verdict.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": body})
