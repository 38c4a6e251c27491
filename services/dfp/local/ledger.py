"""What the streams of a run hold, summed up entry by entry, so that a report does not depend on what was trimmed."""

from collections import Counter
from dataclasses import dataclass, field

from dfp.contracts import digest
from dfp.contracts.codec import decode
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.held import Held
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.risk import Alert
from dfp.contracts.signal import Signal


@dataclass(slots=True)
class Ledger:
    """Counts and digests.

    Attributes:
        signals: strategy -> signals.
        digests: strategy -> rolling digest of its signals' payloads, in stream order.
        opportunities: how many were opened; revisions are not counted.
        latest: the last opportunities, the newest last.
        alerts: rule -> alerts.
        held: reason -> candidates that risk kept back.
        outcomes: opportunities of which is known what became of them.
        dead_letters: reason -> records.
        problems: what makes the figures incomplete, in words.
    """

    signals: Counter[str] = field(default_factory=Counter)
    digests: dict[str, bytes] = field(default_factory=dict)
    opportunities: int = 0
    latest: dict[str, Opportunity] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    outcomes: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Take one entry; entries of a stream come in order.

        Raises:
            ContractError: the payload is not what its kind says.
        """
        if entry.kind is Kind.SIGNAL:
            strategy = decode(entry.payload, Signal).strategy
            self.signals[strategy] += 1
            self.digests[strategy] = digest.roll(self.digests.get(strategy, digest.EMPTY), (entry.payload,))
        elif entry.kind is Kind.OPPORTUNITY:
            opportunity = decode(entry.payload, Opportunity)
            self.opportunities += opportunity.rev == 1
            self.latest.pop(opportunity.id, None)
            self.latest[opportunity.id] = opportunity
            if len(self.latest) > LATEST:
                del self.latest[next(iter(self.latest))]
        elif entry.kind is Kind.ALERT:
            self.alerts[decode(entry.payload, Alert).rule] += 1
        elif entry.kind is Kind.HELD:
            self.held[decode(entry.payload, Held).reason] += 1
        elif entry.kind is Kind.OUTCOME:
            self.outcomes += 1
        elif entry.kind is Kind.DEAD_LETTER:
            self.dead_letters[decode(entry.payload, DeadLetter).reason] += 1


LATEST = 8
"""Opportunities that are kept for the live table."""
