"""What happens to a handler that goes wrong: a dead letter, a count, and for a time-out a line in the journal.

The engine goes on in any case. A strategy that fails without a break degrades, and its dead letters stop, because a
flood of them would cost more than it tells; one that keeps running into its time-out is not called any more until the
next session, because each call costs up to two budgets of CPU time.
"""

import traceback

from dfp.contracts import codec
from dfp.contracts.contained import Contained
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.names import Names
from dfp.engine.deadline import HandlerTimeout
from dfp.log.work import Work, Write

DEGRADED_AFTER = 100
"""Contained calls in a row."""

TIMEOUTS_A_SESSION = 20
"""At the default budget of 100 ms a strategy that loops for ever costs at most 4 s of CPU time a session."""

MAX_SIGNALS = 16
"""Signals of one call. A strategy speaks of the tick's symbol only, so even two are unusual."""

_FRAMES = 4
_DETAIL = 3_500


class Flooded(Exception):
    """A handler gave more than `MAX_SIGNALS` signals in one call."""


class Containment:
    """Counts failures, and writes what they leave behind. `failures` and `timeouts` are part of the engine's state.

    Attributes:
        failures: contained calls since the last good one.
        timeouts: contained time-outs in this session.
    """

    def __init__(self, names: Names, strategy: str) -> None:
        self.failures = 0
        self.timeouts = 0
        self._names = names
        self._strategy = strategy
        self._stage = f"engine/{strategy}"

    @property
    def suspended(self) -> bool:
        """The strategy is not called until the next session."""
        return self.timeouts >= TIMEOUTS_A_SESSION

    @property
    def degraded(self) -> bool:
        """People should look at it."""
        return self.suspended or self.failures >= DEGRADED_AFTER

    def contain(self, error: BaseException, entry: Entry, row: int, record: bytes, work: Work) -> None:
        """Note a failed call.

        Args:
            row: row of the frame, or index of the call within a clock entry.
            record: what the handler was called with, as JSON.
        """
        was_degraded = self.degraded
        reason = _reason(error)
        work.count("contained")
        work.count(f"rejected/{reason}")
        if not was_degraded:
            work.writes.append(self._dead_letter(error, reason, record))
        self.failures += 1
        if isinstance(error, HandlerTimeout):
            self.timeouts += 1
            journalled = codec.encode(Contained(strategy=self._strategy, seq=entry.seq, row=row))
            work.writes.append(Write(self._names.journal(self._stage), Kind.CONTAINED, journalled))
        if self.degraded and not was_degraded:
            work.count("degraded")

    def refuse(self, error: Exception, entry: Entry, work: Work) -> None:
        """Note an entry that cannot be read."""
        work.count("rejected/unreadable-entry")
        letter = dead_letter(self._stage, "unreadable-entry", f"entry {entry.seq}: {error}", entry.payload)
        work.writes.append(Write(self._names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter)))

    def _dead_letter(self, error: BaseException, reason: str, record: bytes) -> Write:
        lines = traceback.TracebackException.from_exception(error, limit=-_FRAMES).format()
        letter = dead_letter(self._stage, reason, "".join(lines)[-_DETAIL:], record)
        return Write(self._names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter))


def _reason(error: BaseException) -> str:
    match error:
        case HandlerTimeout():
            return "strategy-timed-out"
        case Flooded():
            return "strategy-flooded"
        case _:
            return "strategy-raised"
