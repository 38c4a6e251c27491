"""All that the API answers from without asking anybody, and its feeds.

Bounds with 5,551 symbols: bars 70 MB, ticks 33 MB, features 2 MB; 10,000 closed opportunities some 30 MB and their
20,000 revisions 25 MB; 15,000 signals each live and in the shadow 30 MB; 10,000 outcomes and alerts 16 MB: 200 MB.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from redis.asyncio import Redis

from dfp.api.feed import StreamFeed, document
from dfp.api.market import Market
from dfp.api.market import decode as decode_features
from dfp.api.readiness import Readiness
from dfp.api.recent import Recent, Size
from dfp.api.revisions import KEPT as REVISIONS_KEPT
from dfp.api.revisions import Revisions
from dfp.api.store import CLOSED_KEPT, Store
from dfp.api.verdicts import Standing
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.outcome import Outcome
from dfp.contracts.risk import Alert, Verdicts
from dfp.contracts.signal import Direction, Signal
from dfp.runtime.probes import Health
from dfp.runtime.tasks import end

SIGNALS_KEPT = 15_000
OUTCOMES_KEPT = 10_000
ALERTS_KEPT = 10_000
STRATEGIES_KEPT = 1_000
"""Whose last signal is remembered; the one that was silent for longest goes first."""

FEATURES_READ, FEATURES_PAUSE_S = 64, 0.05
"""Frames come up to 500 times a second; read and taken twenty times a second they cost a third."""


class SignalKey(NamedTuple):
    """What a signal is found by."""

    symbol: str
    strategy: str
    direction: Direction
    as_of: int


class OutcomeKey(NamedTuple):
    """What an outcome is found by."""

    id: str
    symbol: str
    strategies: tuple[str, ...]


class AlertKey(NamedTuple):
    """What an alert is found by."""

    severity: str
    rule: str
    target: str


class Opportunities(Store):
    """The latest revision of each opportunity, and the earlier ones."""

    def __init__(self, closed_kept: int = CLOSED_KEPT, revisions_kept: int = REVISIONS_KEPT) -> None:
        super().__init__(closed_kept)
        self.revisions = Revisions(revisions_kept)

    def take(self, entry: Entry, opportunity: Opportunity, /) -> None:
        """Take the next entry of the stream."""
        super().take(entry, opportunity)
        self.revisions.take(entry, opportunity)

    def reset(self, reason: str) -> None:
        """Forget everything."""
        super().reset(reason)
        self.revisions.reset()


class Signals(Recent[Signal, SignalKey]):
    """The signals of one stream, and when each strategy spoke last."""

    def __init__(self, kept: int = SIGNALS_KEPT) -> None:
        super().__init__(kept, lambda signal: SignalKey(signal.symbol, signal.strategy, signal.direction, signal.as_of))
        self._last: dict[str, int] = {}

    def take(self, entry: Entry, signal: Signal, /) -> None:
        """Take the next signal."""
        super().take(entry, signal)
        self._last.pop(signal.strategy, None)
        self._last[signal.strategy] = signal.as_of
        if len(self._last) > STRATEGIES_KEPT:
            del self._last[next(iter(self._last))]

    def reset(self, reason: str) -> None:
        """Forget everything."""
        super().reset(reason)
        self._last.clear()

    def last_of(self, strategy: str) -> int | None:
        """As-of of a strategy's last signal, UTC nanoseconds; None before the first."""
        return self._last.get(strategy)


class Outcomes(Recent[Outcome, OutcomeKey]):
    """Outcomes, also by opportunity."""

    def __init__(self, kept: int = OUTCOMES_KEPT) -> None:
        super().__init__(kept, lambda found: OutcomeKey(found.id, found.symbol, tuple(found.strategies)))
        self._by_id: dict[str, bytes] = {}

    def take(self, entry: Entry, outcome: Outcome, /) -> None:
        """Take the next outcome."""
        if len(self._items) == self._kept:
            self._by_id.pop(self._items[0].key.id, None)
        super().take(entry, outcome)
        self._by_id[outcome.id] = entry.payload

    def reset(self, reason: str) -> None:
        """Forget everything."""
        super().reset(reason)
        self._by_id.clear()

    def get(self, identifier: str) -> bytes | None:
        """The outcome of one opportunity, None until it is known."""
        return self._by_id.get(identifier)


def _alerts() -> Recent[Alert, AlertKey]:
    return Recent(ALERTS_KEPT, lambda alert: AlertKey(alert.severity, alert.rule, alert.target))


@dataclass
class Memory:
    """What the feeds have told."""

    opportunities: Opportunities = field(default_factory=Opportunities)
    signals: Signals = field(default_factory=Signals)
    shadow_signals: Signals = field(default_factory=Signals)
    outcomes: Outcomes = field(default_factory=Outcomes)
    verdicts: Standing = field(default_factory=Standing)
    alerts: Recent[Alert, AlertKey] = field(default_factory=_alerts)
    market: Market = field(default_factory=Market)

    def last_signal_of(self, strategy: str) -> int | None:
        """As-of of a strategy's last signal, live or in the shadow, UTC nanoseconds; None before the first."""
        found = [signals.last_of(strategy) for signals in (self.signals, self.shadow_signals)]
        return max((time for time in found if time is not None), default=None)

    def sizes(self) -> Iterator[tuple[str, Size]]:
        """Each store's name, and how full it is."""
        yield "opportunities", Size(len(self.opportunities), self.opportunities.closed_kept)
        yield "revisions", self.opportunities.revisions.size()
        yield "signals", self.signals.size()
        yield "shadow_signals", self.shadow_signals.size()
        yield "outcomes", self.outcomes.size()
        yield "alerts", self.alerts.size()
        yield "symbols", Size(len(self.market.symbols), self.market.symbols.most)


class Feeds:
    """One reader a stream.

    Args:
        health: is ready when every feed has caught up.
    """

    def __init__(self, redis: Redis, names: Names, memory: Memory, health: Health) -> None:
        part = Readiness(health).part
        signal = document(Kind.SIGNAL, Signal)
        # Opportunities first: their state is what the probes tell when nothing is ready yet.
        self.all: tuple[StreamFeed[Any], ...] = (
            StreamFeed(
                redis, names.opportunities, document(Kind.OPPORTUNITY, Opportunity), memory.opportunities, part()
            ),
            StreamFeed(redis, names.signals, signal, memory.signals, part()),
            StreamFeed(redis, names.shadow_signals, signal, memory.shadow_signals, part()),
            StreamFeed(redis, names.outcomes, document(Kind.OUTCOME, Outcome), memory.outcomes, part()),
            StreamFeed(redis, names.risk_verdicts, document(Kind.VERDICTS, Verdicts), memory.verdicts, part()),
            StreamFeed(redis, names.risk_alerts, document(Kind.ALERT, Alert), memory.alerts, part()),
            StreamFeed(
                redis, names.features, decode_features, memory.market, part(),
                read_count=FEATURES_READ, pause_s=FEATURES_PAUSE_S, over_holes=True,
            ),
        )  # fmt: skip

    async def run(self, stop: asyncio.Event) -> None:
        """Follow all streams until `stop` is set; ends by the first error."""
        tasks = [asyncio.create_task(feed.run(stop)) for feed in self.all]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*tasks)
