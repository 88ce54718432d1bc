"""The device lent to another program for a while, during which no job starts."""

from __future__ import annotations

import asyncio


class Loan:
    """Begins, is prolonged or cut short, and ends by itself. Used from the event loop."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()
        self._end: asyncio.TimerHandle | None = None

    @property
    def remaining(self) -> float:
        """Seconds until the device comes back; 0 when it is not lent."""
        if self._end is None:
            return 0.0
        return max(0.0, self._end.when() - asyncio.get_running_loop().time())

    def begin(self, seconds: float) -> None:
        """Lend the device for `seconds` from now, whatever was agreed before; 0 ends the loan."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if seconds > 0:
            self._over.clear()
            self._end = asyncio.get_running_loop().call_later(seconds, self.begin, 0.0)
        else:
            self._over.set()

    async def over(self) -> None:
        """Wait until the device is not lent."""
        await self._over.wait()
