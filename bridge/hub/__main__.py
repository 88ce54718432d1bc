"""`python -m bridge.hub OWNER/NAME`: download a model and say so, a JSON line at a time; see `reports`.

A process of its own, so that a download can be stopped at any moment by ending it, whatever its libraries do, and costs
neither the daemon nor the engine anything. It ends when its standard input does, so that it never outlives its parent.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from pathlib import Path

from bridge.protocol.errors import BridgeError

from .cache import cache_folder
from .reports import Complete, Fetched, Refused, Report, encode_report

INTERVAL = 0.1
"""Seconds between reports."""


class Reporter:
    """Says how far the download is, as often as it is worth it, and nothing after how it ended."""

    def __init__(self) -> None:
        self._newest: Fetched | None = None
        self._said: Fetched | None = None
        self._ended = False
        self._saying = threading.Lock()
        threading.Thread(target=self._keep_saying, daemon=True).start()

    def tell(self, done: int, total: int) -> None:
        """So many bytes are here. From any thread, as often as it likes."""
        self._newest = Fetched(done, total)

    def end(self, report: Complete | Refused) -> None:
        """Say how it ended."""
        with self._saying:
            if isinstance(report, Complete):
                self._say_newest()
            self._ended = True
            say(report)

    def _say_newest(self) -> None:
        newest = self._newest
        if newest is not None and newest != self._said:
            self._said = newest
            say(newest)

    def _keep_saying(self) -> None:
        while True:
            time.sleep(INTERVAL)
            with self._saying:
                if self._ended:
                    return
                self._say_newest()


def say(report: Report) -> None:
    """One line to whoever started this process."""
    # In one piece, since two threads say things; and past sys.stdout, on which libraries may print.
    os.write(1, f"{encode_report(report)}\n".encode())


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bridge.hub", description=__doc__)
    parser.add_argument("hub_id", metavar="OWNER/NAME")
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="the hub's cache")
    parser.add_argument("--settings", action="store_true", help="configuration and tokenizers without the weights")
    options = parser.parse_args(arguments)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    sys.stdout = sys.stderr
    from .fetching import fetch

    reporter = Reporter()
    try:
        folder = fetch(options.hub_id, options.cache, reporter.tell, weights=not options.settings)
        reporter.end(Complete(str(folder)))
    except BridgeError as error:
        reporter.end(Refused(error))
        os._exit(1)  # other files may be in transfer still, and nobody waits for them
    return 0


def _end_with_parent() -> None:
    # The descriptor itself: a thread that holds sys.stdin's lock would keep the interpreter from ending.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
