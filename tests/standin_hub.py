"""A stand-in for a model hub on loopback: as much of its HTTP interface as a download needs, and its ways to fail."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHUNK = 1 << 14
PATIENCE = 60.0


@dataclass
class Behaviour:
    """What the hub does other than serving well.

    Attributes:
        gated: repositories whose files ask for terms to be accepted.
        status: answers with this status instead, by the end of a path.
        pause_at: stops in the middle of files with this end, after so many of their bytes, until `go_on`.
        cut_at: closes the connection there, once.
        corrupt: ends of files whose bytes are changed on the way.
        sent: bytes sent of each file since it behaves so.
    """

    gated: frozenset[str] = frozenset()
    status: dict[str, int] = field(default_factory=dict)
    pause_at: dict[str, int] = field(default_factory=dict)
    cut_at: dict[str, int] = field(default_factory=dict)
    corrupt: tuple[str, ...] = ()
    sent: Counter[str] = field(default_factory=Counter)
    paused: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


class StandInHub:
    """Serves folders as repositories, weights by way of a redirection as a hub's content network does.

    Args:
        repositories: folder by repository id.
    """

    def __init__(self, repositories: dict[str, Path]) -> None:
        self.repositories = repositories
        self.behaviour = Behaviour()
        self.requests: list[str] = []
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """What HF_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def sent(self) -> Counter[str]:
        """Bytes sent of each file."""
        return self.behaviour.sent

    def behave(self, **how: object) -> Behaviour:
        """From now on behave so, and count anew."""
        self.behaviour.go_on.set()
        self.behaviour = Behaviour(**how)  # type: ignore[arg-type]  # the names are checked where they are used
        self.requests.clear()
        return self.behaviour

    def close(self) -> None:
        """Stop serving."""
        self.behaviour.go_on.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what these tests are about."""


def _handler(hub: StandInHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = self.path.split("?")[0]
            hub.requests.append(f"{self.command} {path}")
            failing = next((status for end, status in hub.behaviour.status.items() if path.endswith(end)), 0)
            if failing:
                self._refuse(failing, "")
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/.+)?", path):
                self._about(found[1])
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
                self._resolve(found[1], found[2])
            elif found := re.fullmatch(r"/content/([^/]+/[^/]+)/(.+)", path):
                self._send_file(hub.repositories[found[1]] / found[2], found[2])
            else:
                self._refuse(404, "EntryNotFound")

        def _about(self, name: str) -> None:
            if name not in hub.repositories:
                self._refuse(404, "RepoNotFound")
                return
            folder = hub.repositories[name]
            siblings = []
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                about: dict[str, object] = {"rfilename": path.relative_to(folder).as_posix()}
                about |= {"size": path.stat().st_size, "blobId": "0" * 40}
                if _is_large(path.name):
                    about["lfs"] = {"sha256": _sha256(path), "size": path.stat().st_size, "pointerSize": 130}
                siblings.append(about)
            text = json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}).encode()
            self._head(200, len(text), {"Content-Type": "application/json"})
            self.wfile.write(text)

        def _resolve(self, name: str, file: str) -> None:
            path = hub.repositories.get(name, Path("/nowhere")) / file
            if name in hub.behaviour.gated:
                self._refuse(403, "GatedRepo")
            elif not path.is_file():
                self._refuse(404, "EntryNotFound")
            elif _is_large(file):
                size = str(path.stat().st_size)
                more = {"X-Linked-Etag": f'"{_sha256(path)}"', "X-Linked-Size": size, "X-Repo-Commit": COMMIT}
                self._head(302, 0, {**more, "Location": f"{hub.url}/content/{name}/{file}"})
            else:
                self._send_file(path, file)

        def _send_file(self, path: Path, name: str) -> None:
            data, how = path.read_bytes(), hub.behaviour
            if name.endswith(how.corrupt) and how.corrupt:
                data = data[:-1] + bytes([data[-1] ^ 1])
            ranged = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            start = int(ranged[1]) if ranged else 0
            more = {"ETag": f'"{_sha256(path)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            if ranged:
                more["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._head(206 if ranged else 200, len(data) - start, more)
            if self.command == "HEAD":
                return
            stops = [at for marks in (how.pause_at, how.cut_at) for end, at in marks.items() if name.endswith(end)]
            at = start
            while at < len(data):
                end = min([at + CHUNK, len(data), *(stop for stop in stops if stop > at)])
                self.wfile.write(data[at:end])
                self.wfile.flush()
                how.sent[name] += end - at
                at = end
                if at in stops and any(how.cut_at.pop(mark, 0) for mark in tuple(how.cut_at) if name.endswith(mark)):
                    self.close_connection = True
                    return
                if at in stops:
                    how.paused.set()
                    how.go_on.wait(PATIENCE)

        def _refuse(self, status: int, code: str) -> None:
            self._head(status, 0, {"X-Error-Code": code, "X-Error-Message": code} if code else {})

        def _head(self, status: int, length: int, more: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(length), **more}.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    return Handler


def _is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
