"""One websocket: reads requests, answers them, and sends what the outbox holds. The two never wait for each other."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import time

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.protocol import planes
from bridge.protocol.canvases import CanvasChanged, CanvasSynced
from bridge.protocol.errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from bridge.protocol.link_speed import ACKNOWLEDGED_BYTES, LinkSpeed
from bridge.protocol.live import LiveFrame
from bridge.protocol.messages import (
    Attach,
    Cancel,
    Error,
    ErrorInfo,
    FetchResult,
    Goodbye,
    Hello,
    JobPreview,
    JobResult,
    Jobs,
    Lend,
    ListJobs,
    ListModels,
    Message,
    Ping,
    Received,
    Reply,
    Request,
    Result,
    Submit,
)
from bridge.protocol.packing import LOCAL_GUESS, REMOTE_GUESS, Packing
from bridge.protocol.pixels import Picture
from bridge.protocol.session import DaemonSession
from bridge.protocol.wire import may_be_packed

from .canvas_visits import CanvasVisits
from .client_files import ClientFiles
from .outbox import Outbox
from .service import LARGE_BYTES, BridgeService

log = structlog.get_logger()

HELLO_TIMEOUT = 10.0
"""Seconds within which a connection must say who it is."""

LARGE_PACKED_BYTES = 64 << 10
"""Bytes of pixels that are packed in a thread of their own."""

CLOSE_PROTOCOL_ERROR = 1002
CLOSE_TRY_AGAIN = 1013


class Connection:
    """A client that is connected."""

    def __init__(self, websocket: WebSocket, service: BridgeService) -> None:
        self._websocket = websocket
        self._service = service
        self._session = DaemonSession(service.limits)
        self._outbox = Outbox()
        self._owner = ""
        self._waiting: set[asyncio.Task[None]] = set()
        self._files: ClientFiles | None = None
        self._visits: CanvasVisits | None = None
        self._accepted = 0.0
        self._speed: LinkSpeed | None = None

    async def serve(self) -> None:
        """Talk to the client until either side ends it."""
        await self._websocket.accept()
        self._accepted = time.perf_counter()
        sender = asyncio.create_task(self._send_all(), name="sender")
        receiver = asyncio.create_task(self._receive_all(), name="receiver")
        try:
            await asyncio.wait((sender, receiver), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._service.unsubscribe(self._owner, self._outbox)
            if self._visits is not None:
                self._visits.leave()
            for task in (sender, receiver, *self._waiting):
                task.cancel()
            outcomes = await asyncio.gather(sender, receiver, *self._waiting, return_exceptions=True)
            if self._files is not None:
                await asyncio.to_thread(self._files.close)
        for outcome in outcomes:
            if isinstance(outcome, ProtocolError):
                await self._say_goodbye(outcome)
            elif isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                log.error("connection failed", owner=self._owner, exc_info=outcome)
        log.debug("client gone", owner=self._owner)

    async def _receive_all(self) -> None:
        async with asyncio.timeout(HELLO_TIMEOUT):
            await self._receive_one()
        while True:
            await self._receive_one()

    async def _receive_one(self) -> None:
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1006))
        data = event.get("bytes")
        if data is None:
            raise ProtocolError(ErrorCode.BAD_FRAME, "Text messages are not part of this protocol.")
        try:
            message = await self._decoded(data)
        except InvalidMessage as error:
            self._refuse(error.request_id or 0, error)
            return
        if isinstance(message, Received):
            if self._speed is not None:
                self._speed.acknowledged(message.nbytes, time.perf_counter())
            return
        if not isinstance(message, Request):
            raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, f"`{message.type}` is not a request.")
        try:
            await self._answer(message)
        except BridgeError as error:
            self._refuse(message.request_id, error)
        except Exception as error:  # a client whose connection ended would ask the same again, and again
            log.exception("a request broke", owner=self._owner, request=message.type)
            hint = "The daemon's log tells more; `latent-bridge doctor` names it."
            self._refuse(
                message.request_id, BridgeError(ErrorCode.INTERNAL, f"The daemon failed: {error!r}", hint=hint)
            )

    def _refuse(self, request_id: int, error: BridgeError) -> None:
        log.info("request refused", owner=self._owner, code=error.code.value, error=error.message)
        self._outbox.put(Error(request_id=request_id, error=ErrorInfo.of(error)))

    async def _answer(self, request: Request) -> None:
        service, owner, number = self._service, self._owner, request.request_id
        reply: Reply
        if isinstance(request, Hello):
            self._owner = hashlib.sha256(request.session.encode()).hexdigest()[:32]
            service.subscribe(self._owner, self._outbox)
            log.debug("client connected", owner=self._owner, client=request.client)
            self._visits = CanvasVisits(service.canvases, self._outbox, request.client, service.resolve_live)
            if request.share_files and self._from_this_machine():
                self._files = self._session.files = service.share_files()
            elif planes.NAME in request.encodings:
                # The client greets as soon as it hears of being accepted: the time between is that there and back.
                latency = time.perf_counter() - self._accepted
                self._speed = LinkSpeed(LOCAL_GUESS if self._from_this_machine() else REMOTE_GUESS, latency)
                self._session.packing = Packing(self._speed)
            reply = service.welcome(number, self._files)
        elif isinstance(request, Submit):
            try:
                reply = await service.submit(owner, request)
            finally:
                if self._files is not None:
                    self._files.discard(request.task)
        elif isinstance(request, Attach):
            # The reply comes first and the subscription has been there all along: an event may arrive twice, or a late
            # one before those that are read here, which its number tells, but none is missed.
            self._outbox.put(await service.attach(request.job_id, number))
            async for event in service.missed_events(request.job_id, request.after):
                self._outbox.put(event)
            return
        elif isinstance(request, Cancel):
            reply = await service.cancel(owner, request.job_id, number)
        elif isinstance(request, ListJobs):
            reply = Jobs(request_id=number, jobs=await service.jobs(owner, request.limit))
        elif isinstance(request, FetchResult):
            reply = await service.fetch(owner, request.job_id, request.index, number)
        elif isinstance(request, ListModels):
            reply = await service.models(number)
        elif isinstance(request, Lend):
            # It waits for the job that runs, which this client may want to cancel meanwhile.
            waiting = asyncio.create_task(self._lend(request), name="lending")
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)
            return
        elif isinstance(request, Ping):
            reply = service.state(number)
        else:
            about_canvases = self._visits.answer(request) if self._visits is not None else None
            if about_canvases is None:
                raise BridgeError(ErrorCode.BAD_MESSAGE, f"This daemon cannot answer `{request.type}`.")
            reply = about_canvases
        self._outbox.put(reply)

    def _from_this_machine(self) -> bool:
        client = self._websocket.client
        try:
            return client is not None and ipaddress.ip_address(client.host).is_loopback
        except ValueError:
            return False

    async def _lend(self, request: Lend) -> None:
        self._outbox.put(await self._service.lend(request.seconds, request.request_id))

    async def _send_all(self) -> None:
        while (message := await self._outbox.get()) is not None:
            data = await self._encoded(message)
            if self._speed is not None and len(data) >= ACKNOWLEDGED_BYTES:
                self._speed.sent(self._session.sent_bytes, len(data), time.perf_counter())
            await self._websocket.send_bytes(data)
        log.warning("client reads too slowly, closing its connection", owner=self._owner)
        await self._websocket.close(CLOSE_TRY_AGAIN, "reads too slowly; connect again and resume")

    async def _encoded(self, message: Message) -> bytes:
        large = LARGE_BYTES if self._session.packing is None else LARGE_PACKED_BYTES
        if sum(picture.nbytes for picture in _pictures_in(message)) > large:
            return await asyncio.to_thread(self._session.send, message)
        return self._session.send(message)

    async def _decoded(self, data: bytes) -> Message:
        # What is packed can grow to a thousand times its size; raw pixels are not even copied.
        if may_be_packed(data):
            return await asyncio.to_thread(self._session.receive, data)
        return self._session.receive(data)

    async def _say_goodbye(self, error: ProtocolError) -> None:
        log.info("client does not keep to the protocol", owner=self._owner, error=error.message)
        # The client may be gone already; it was only a courtesy.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_bytes(self._session.send(Goodbye(error=ErrorInfo.of(error))))
            await self._websocket.close(CLOSE_PROTOCOL_ERROR)


def _pictures_in(message: Message) -> list[Picture]:
    """The pictures of a message that may be large."""
    if isinstance(message, (JobResult, Result)):
        return [message.layer.picture]
    if isinstance(message, (CanvasChanged, CanvasSynced)):
        return [piece.picture for piece in message.pieces]
    if isinstance(message, (LiveFrame, JobPreview)):
        return [message.picture]
    return []
