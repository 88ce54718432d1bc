"""Questions that wait for an answer. No I/O; used on one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.protocol.messages import Reply, Request

OnReply = Callable[[Reply], None]


@dataclass(frozen=True)
class Waiting:
    """A request that has no reply yet.

    Attributes:
        request: what was asked.
        on_reply: called once with the reply.
        lasting: asked again over a new connection; otherwise forgotten when the connection is lost.
    """

    request: Request
    on_reply: OnReply
    lasting: bool


class PendingRequests:
    """Requests by id."""

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}

    def add(self, request: Request, on_reply: OnReply, *, lasting: bool) -> None:
        """Remember a request."""
        self._waiting[request.request_id] = Waiting(request, on_reply, lasting)

    def forget(self, request_id: int) -> None:
        """Nobody waits any more."""
        self._waiting.pop(request_id, None)

    def answer(self, reply: Reply) -> None:
        """Hand a reply to who asked; one that nobody waits for is passed over."""
        waiting = self._waiting.pop(reply.request_id, None)
        if waiting is not None:
            waiting.on_reply(reply)

    def lost(self) -> None:
        """The connection is gone."""
        self._waiting = {key: entry for key, entry in self._waiting.items() if entry.lasting}

    def to_resend(self) -> list[Request]:
        """What to ask again over a new connection."""
        return [entry.request for entry in self._waiting.values()]
