"""How fast a link carries what this end sends: bytes that the other end has acknowledged, over the time that they took.

Only what is said anyway is looked at, replies and acknowledgements, so measuring costs nothing. Times are the caller's,
in seconds of a clock that never goes back; nothing here reads one. Pure.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

ACKNOWLEDGED_BYTES = 16 << 10
"""Messages of this size and more are acknowledged by clients; see `Received`."""
MEASURED_BYTES, MEASURED_SECONDS = 32 << 10, 0.01
"""What is gathered before it counts as a measurement; less says more about the moment than about the link."""
MANY_BYTES = 1 << 20
"""So many are a measurement in any time, or fast links would never have one."""
TINY_BYTES = 4 << 10
"""What takes as long as the way there and back."""
HANDLING_SECONDS = 0.5e-3
"""What each message may cost the two machines, however fast the link is."""
_REMEMBERED = 4
"""Measurements of which the highest counts: a busy machine makes links look slow, nothing makes them look fast."""
_GUESS_SHRINKS = 8.0
"""How much less the first guess counts with each measurement."""
_MOST_IN_FLIGHT = 1024


@dataclass(frozen=True)
class _Sent:
    nbytes: int
    time: float
    alone: bool


class LinkSpeed:
    """The speed in one direction.

    Args:
        guess: bytes in a second, until something has been measured.
        latency: seconds that something tiny takes there and back, or a little more; what is tiny later corrects it.
    """

    def __init__(self, guess: float, latency: float) -> None:
        self._guess = guess
        self._rates: deque[float] = deque(maxlen=_REMEMBERED)
        self._latency = latency
        self._in_flight: OrderedDict[int, _Sent] = OrderedDict()
        self._last_time = 0.0
        self._gathered_bytes, self._gathered_seconds = 0, 0.0

    @property
    def bytes_per_second(self) -> float:
        """The speed, as far as it is known; never 0."""
        return max(self._guess, *self._rates, 1.0)

    def sent(self, key: int, nbytes: int, time: float) -> None:
        """Something begins to be sent; it will be acknowledged by its key. Keys grow."""
        self._in_flight[key] = _Sent(nbytes, time, alone=not self._in_flight)
        if len(self._in_flight) > _MOST_IN_FLIGHT:
            self._in_flight.popitem(last=False)

    def acknowledged(self, key: int, time: float) -> None:
        """The other end has all of it, and everything that was sent before."""
        if key not in self._in_flight:
            return
        nbytes, messages, began, alone = 0, 0, time, False
        while self._in_flight:
            earlier, sent = self._in_flight.popitem(last=False)
            if not messages:
                began, alone = sent.time, sent.alone
            nbytes += sent.nbytes
            messages += 1
            if earlier == key:
                break
        if alone:
            if nbytes <= TINY_BYTES:
                self._latency = min(self._latency, time - began)
            began += self._latency
        else:
            # It followed something else closely, which was on the way until then; the way back is in neither.
            began = max(began, self._last_time)
        self._last_time = time
        seconds = time - began - messages * HANDLING_SECONDS
        # A time that is short beside the way there and back is mostly the unsteadiness of that way.
        if not alone or seconds > self._latency / 2:
            self._measured(nbytes, max(0.0, seconds))

    def _measured(self, nbytes: int, seconds: float) -> None:
        self._gathered_bytes += nbytes
        self._gathered_seconds += seconds
        long = self._gathered_seconds > MEASURED_SECONDS and self._gathered_bytes > MEASURED_BYTES
        if long or (self._gathered_bytes > MANY_BYTES and self._gathered_seconds > 0):
            self._rates.append(self._gathered_bytes / self._gathered_seconds)
            self._guess /= _GUESS_SHRINKS
            self._gathered_bytes, self._gathered_seconds = 0, 0.0
