"""Every revision of the opportunities that are remembered, in memory, for their histories."""

from collections import deque

from dfp.api.recent import Size
from dfp.contracts.entry import Entry
from dfp.contracts.opportunity import Opportunity

KEPT = 20_000
"""Revisions of about 1 kB, some 25 MB. The oldest go first, so a very old history may lack its beginning."""


class Revisions:
    """A consumer of the opportunities feed: opportunity id -> its revisions, encoded.

    Args:
        kept: how many revisions are remembered in all.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self._by_id: dict[str, dict[int, bytes]] = {}
        self._order: deque[tuple[str, int]] = deque()

    def take(self, entry: Entry, opportunity: Opportunity, /) -> None:
        """Take the next revision; one that is there already is dropped."""
        revisions = self._by_id.setdefault(opportunity.id, {})
        if opportunity.rev in revisions:
            return
        revisions[opportunity.rev] = entry.payload
        self._order.append((opportunity.id, opportunity.rev))
        if len(self._order) > self.kept:
            identifier, rev = self._order.popleft()
            del self._by_id[identifier][rev]
            if not self._by_id[identifier]:
                del self._by_id[identifier]

    def reset(self) -> None:
        """Forget everything."""
        self._by_id.clear()
        self._order.clear()

    def of(self, identifier: str) -> list[bytes]:
        """The revisions of an opportunity that are remembered, oldest first."""
        return [payload for _, payload in sorted(self._by_id.get(identifier, {}).items())]

    def size(self) -> Size:
        """How full it is."""
        return Size(len(self._order), self.kept)
