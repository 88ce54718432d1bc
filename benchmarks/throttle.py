"""A slow network on one machine: passes connections on at so many bits in a second, and counts what goes through."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

CHUNK_BYTES = 16 << 10
CATCH_UP_SECONDS = 0.005
"""How much of what it slept too long the link makes up for, so that its speed is right on a busy machine."""
BUFFER_BYTES = 64 << 10
"""Of the sockets; what lies in larger ones would seem to have arrived."""


class ThrottledLink:
    """A port of this machine behind which another one is reached; a context manager.

    Args:
        port: where connections go.
        bits_per_second: in each direction; 0 for no limit.

    Attributes:
        port: where the link begins.
        sent_bytes: what has gone there so far.
        returned_bytes: what has come back.
    """

    def __init__(self, port: int, bits_per_second: float) -> None:
        self.sent_bytes = self.returned_bytes = 0
        self._target = port
        self._rate = bits_per_second / 8
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ThrottledLink:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._connected, sock=self._listener))
        self._loop.run_forever()
        open_still = asyncio.all_tasks(self._loop)
        for task in open_still:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*open_still, return_exceptions=True))
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        plain.setblocking(False)
        await self._loop.sock_connect(plain, ("127.0.0.1", self._target))
        far_reader, far_writer = await asyncio.open_connection(sock=plain)
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The library complains of connections that are cancelled, which is how this link ends.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, far_writer, there=True), self._pass(far_reader, writer, there=False)
            )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, there: bool) -> None:
        free = 0.0  # when the link has carried what was given to it
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._rate:
                    free = max(free, time.perf_counter() - CATCH_UP_SECONDS) + len(data) / self._rate
                    if free - time.perf_counter() > 1e-3:  # timers are no finer
                        await asyncio.sleep(free - time.perf_counter())
                if there:
                    self.sent_bytes += len(data)
                else:
                    self.returned_bytes += len(data)
                writer.write(data)
                await writer.drain()
            writer.close()
