"""What a person who follows a pipeline wants to see of it."""

import msgspec

from dfp.client import Event, Revision, Snapshot
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.signal import Direction


class Wanted(msgspec.Struct, frozen=True):
    """Which opportunities are of interest; None and empty mean all."""

    symbols: frozenset[str] = frozenset()
    strategy: str | None = None
    side: Direction | None = None

    def has(self, found: Opportunity) -> bool:
        """Whether an opportunity passes."""
        return (
            (not self.symbols or found.symbol in self.symbols)
            and (self.side is None or found.side is self.side)
            and (self.strategy is None or any(one.strategy == self.strategy for one in found.members))
        )


def opportunities(event: Event) -> list[Opportunity]:
    """The opportunities in an event: one, those of a snapshot, or none."""
    match event:
        case Revision():
            return [event.opportunity]
        case Snapshot():
            return event.opportunities
        case _:
            return []
