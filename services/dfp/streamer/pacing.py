"""When the next frame may go out: the first message at once, then at most one frame a gap on average.

A broadcast costs a send for each client, whatever is in it, so messages that come close together share one frame. The
rule is a token bucket: a token is a frame, one is added each gap, and each broadcast takes one.
"""

from dataclasses import dataclass

GAP_S = 0.020
LONGEST_GAP_S = 0.050

CREDIT = 5.0
"""Gaps saved up at most. Arrivals at random, 20 a second on average, then find a token more than 99 times in 100."""


@dataclass(slots=True)
class Pacer:
    """Pure: times come in as arguments, in seconds of any monotonic clock.

    When a broadcast takes more than half of the shortest gap, the gap grows: broadcasting takes half of the time at
    most, as long as that can be had with the longest gap. The credit stays: in a market whose messages are far apart on
    average, two that happen to come together need not wait.
    """

    gap: float = GAP_S
    _tokens: float = CREDIT
    _at: float = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next frame may go out, 0 when it may go now; never more than the longest gap."""
        return max(0.0, (1.0 - self._tokens_at(now)) * self.gap)

    def sent(self, now: float, cost: float) -> None:
        """A broadcast went out.

        Args:
            cost: seconds that it took.
        """
        self._tokens = max(0.0, self._tokens_at(now) - 1.0)
        self._at = now
        self.gap = min(max(2.0 * cost, GAP_S), LONGEST_GAP_S)

    def _tokens_at(self, now: float) -> float:
        return min(CREDIT, self._tokens + max(0.0, now - self._at) / self.gap)
