"""The latch: from a value that wanders to a state that does not flutter.

Ok → Breach when the value reaches the threshold. Back to Ok only when it has stayed at or below 0.8 × the threshold for
60 s of trading time without a break, and the lock that the breach set is over. Lunch and night are no trading time: a
symbol that was too wild at 11:29 is not calm at 13:00 because nobody could trade it.
"""

import msgspec

from dfp.contracts.policy import Action
from dfp.market import trading_time

RETURN = 0.8
CALM_NS = 60_000_000_000

STRICT = frozenset({Action.BLOCK, Action.HALT})
"""Actions that stop something, and therefore fail closed: what they cannot judge counts as a breach."""


class Latch(msgspec.Struct, array_like=True):
    """State of one rule and target.

    Attributes:
        breached: the state that counts.
        over: whether the last value was at or above the threshold; only a rise from below is a new breach.
        calm_since: event time since which all values were low enough, 0 = the last one was not.
        locked_at: event time of the breach that set the lock last.
    """

    breached: bool = False
    over: bool = False
    calm_since: int = 0
    locked_at: int = 0

    def step(self, value: float, at: int, threshold: float, hold_ns: int) -> None:
        """Take the value that holds from event time `at` on.

        Args:
            hold_ns: trading time for which a new breach locks.
        """
        if value >= threshold:
            if not self.over:
                self.breached, self.locked_at = True, at
            self.over, self.calm_since = True, 0
            return
        self.over = False
        if value > RETURN * threshold:
            self.calm_since = 0
            return
        self.calm_since = self.calm_since or at
        if self.breached and passed(self.calm_since, CALM_NS, at) and passed(self.locked_at, hold_ns, at):
            self.breached = False

    def interrupt(self) -> None:
        """The value is not known: whatever was calm so far has to begin again."""
        self.calm_since = 0

    def until(self, hold_ns: int) -> int:
        """Event time before which the lock is not lifted, 0 without one. It goes on if the session ends first."""
        return lock_end(self.locked_at, hold_ns) if self.breached else 0


def passed(since: int, duration_ns: int, at: int) -> bool:
    """Whether so much trading time has passed between two event times."""
    return at >= since and trading_time.elapsed(since, at) >= duration_ns


def lock_end(locked_at: int, hold_ns: int) -> int:
    """Event time at which a lock ends, or at which its session does; 0 without a lock."""
    return trading_time.add(locked_at, hold_ns) if hold_ns else 0
