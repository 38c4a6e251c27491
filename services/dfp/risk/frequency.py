"""Frequency: how many signals were admitted in a sliding window. Exact, because refused signals do not count."""

import msgspec

from dfp.contracts.policy import Frequency


class Window(msgspec.Struct, array_like=True):
    """The admitted signals that a frequency rule still counts.

    Attributes:
        times: event times, ascending; at most as many as the rule's limit.
    """

    times: list[int] = []

    def moment(self, as_of: int) -> int:
        """Event time at which a signal counts: its own, but never behind one that was admitted before it."""
        return max(as_of, self.times[-1]) if self.times else as_of

    def count(self, at: int, check: Frequency) -> int:
        """Admitted signals in (at − window, at]: one that is exactly a window old no longer counts."""
        return sum(time > at - check.window_ns for time in self.times)

    def is_full(self, at: int, check: Frequency) -> bool:
        """Whether the next signal would be one too many."""
        times, limit = self.times, check.limit
        return len(times) >= limit and times[-limit] > at - check.window_ns

    def admit(self, at: int, check: Frequency) -> None:
        """Count a signal."""
        counting = [time for time in self.times if time > at - check.window_ns]
        self.times = [*counting, at][-check.limit :]
