"""Learning rates tied to a time budget, so that a run is at its best when its time is up."""

import math
import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Counts the seconds of one training run, `spent` of them in earlier, resumed parts."""

    budget: float
    spent: float = 0.0
    _start: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Return the seconds trained so far, earlier parts included."""
        return self.spent + time.monotonic() - self._start

    def fraction(self) -> float:
        """Return the part of the budget used, in [0, 1]."""
        return min(1.0, self.elapsed() / self.budget)

    def rate(self, peak: float, step: int, warmup: int = 100) -> float:
        """Return the learning rate: linear warm-up over `warmup` steps, then a cosine to 2 % of `peak`."""
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.fraction()))
        return peak * min(1.0, (step + 1) / warmup) * cosine
