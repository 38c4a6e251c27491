"""The journal of time-outs: what the CPU timer decided once holds for every repetition of those entries.

A time-out is the one thing in an engine that is no function of the log. So where an earlier run had them, and nowhere
else, a re-run has them too.
"""

from collections.abc import Collection, Iterable

from dfp.contracts.contained import Contained
from dfp.engine.deadline import NoDeadline, Watch

_NO_ROWS: frozenset[int] = frozenset()


class Journal:
    """Says who decides about time-outs at an entry: an earlier run, or the watch.

    Args:
        strategy: whose lines count.
        watch: bounds the handlers' CPU time at entries that no earlier run has settled.
    """

    def __init__(self, strategy: str, watch: Watch) -> None:
        self._strategy = strategy
        self._watch = watch
        self._rows: dict[int, set[int]] = {}
        self._through = 0

    def obey(self, lines: Iterable[Contained], through: int) -> None:
        """Repeat an earlier run: up to an entry, time-outs happen where its lines say, and nowhere else.

        Args:
            lines: what the earlier run wrote, in any order; other strategies' lines are ignored.
            through: sequence number of the last entry whose outcome is settled.
        """
        self._rows = {}
        for line in lines:
            if line.strategy == self._strategy and line.seq <= through:
                self._rows.setdefault(line.seq, set()).add(line.row)
        self._through = through

    def settled(self, seq: int) -> bool:
        """Whether an earlier run has settled the outcome of an entry."""
        return seq <= self._through

    def watch_over(self, seq: int) -> Watch:
        """What bounds the handlers at an entry."""
        return NoDeadline() if self.settled(seq) else self._watch

    def timed_out(self, seq: int) -> Collection[int]:
        """Rows of an entry at which the handler timed out."""
        return self._rows.get(seq, _NO_ROWS)
