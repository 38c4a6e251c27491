"""The latest revision of each opportunity, in memory.

It is a view of the log and is rebuilt from it at each start. Open opportunities are at most one a symbol; of the
closed ones, which never end, a bounded number is kept.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from dfp.contracts.entry import Entry
from dfp.contracts.opportunity import Opportunity, State

CLOSED_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as it lies in the stream; `payload` is its canonical JSON, which is what clients get."""

    seq: int
    opportunity: Opportunity
    payload: bytes


class Store:
    """Latest revision per opportunity id.

    Args:
        closed_kept: how many closed opportunities are remembered; the oldest go first.
    """

    def __init__(self, closed_kept: int = CLOSED_KEPT) -> None:
        self.closed_kept = closed_kept
        self.seq = 0
        """Sequence number of the newest entry taken."""
        self.complete = False
        """Everything that the log held was taken once; before, an answer would be a part that looks like the whole."""
        self._open: dict[str, Revision] = {}
        self._closed: dict[str, Revision] = {}

    def take(self, entry: Entry, opportunity: Opportunity, /) -> None:
        """Take the next entry of the stream; a revision that is not newer than the one held is dropped."""
        self.seq = entry.seq
        held = self.get(opportunity.id)
        if held is not None and held.opportunity.rev >= opportunity.rev:
            return
        self._open.pop(opportunity.id, None)  # a dict keeps the place of the first insertion, we want the last
        revision = Revision(entry.seq, opportunity, entry.payload)
        if opportunity.state is not State.CLOSED:
            self._open[opportunity.id] = revision
            return
        self._closed[opportunity.id] = revision
        if len(self._closed) > self.closed_kept:
            del self._closed[next(iter(self._closed))]

    def caught_up(self) -> None:
        """The end of the log was reached."""
        self.complete = True

    def reset(self, reason: str) -> None:
        """Forget everything: the log behind it has changed."""
        self.seq = 0
        self.complete = False
        self._open.clear()
        self._closed.clear()

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)

    def get(self, identifier: str) -> Revision | None:
        """The latest revision of one opportunity."""
        return self._open.get(identifier) or self._closed.get(identifier)

    def open(self) -> Iterator[Revision]:
        """Open opportunities, in stream order of their latest revisions."""
        return iter(self._open.values())

    def newest_first(self) -> Iterator[Revision]:
        """All that is remembered, the latest revision first."""
        return heapq.merge(
            reversed(self._open.values()),
            reversed(self._closed.values()),
            key=lambda revision: revision.seq,
            reverse=True,
        )
