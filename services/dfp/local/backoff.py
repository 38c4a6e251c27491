"""How long to wait before a crashed process is started again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling delays, so that a crash loop costs little and a single kill almost no time.

    Attributes:
        first_s, longest_s: first and longest delay, seconds.
        reset_after_s: a process that lived so long has recovered; its next delay is the first again.
    """

    first_s: float = 0.1
    longest_s: float = 5.0
    reset_after_s: float = 10.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failure in a row, counted from 1."""
        doublings = min(failures - 1, 30)
        return float(min(self.first_s * 2**doublings, self.longest_s))

    def failures(self, before: int, lived_s: float) -> int:
        """Failures in a row, now that a process ended after `lived_s` seconds and there were `before` earlier."""
        return 1 if lived_s >= self.reset_after_s else before + 1
