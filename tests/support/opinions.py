"""Signals and clock entries of one morning, and an aggregator that takes them; shared by the aggregator's tests."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from dfp.aggregator.core import AggregatorCore, no_sector
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.codec import Document
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.frame import Frame, encode
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import NO_POLICIES, Bundle
from dfp.contracts.risk import Verdicts
from dfp.contracts.signal import Direction, Signal, signal_id
from dfp.log.work import Work
from dfp.risk.concentration import SectorOf

D = TypeVar("D", bound=Document)

NAMES = Names("t")
SESSION = 20220601
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
OPEN = 1_654_047_000 * SECOND
"""2022-06-01 09:30:00 in Shanghai, the start of continuous trading."""

Up, Down, Flat = Direction.UP, Direction.DOWN, Direction.FLAT
Event = Signal | Clock | Verdicts | Frame


def signal(
    strategy: str = "breakout",
    direction: Direction = Up,
    confidence: float = 0.7,
    at: float = 0.0,
    *,
    horizon: float = 600.0,
    symbol: str = "600000.SH",
    group: str | None = None,
    session: int = SESSION,
    strength: float = 50.0,
    ordinal: int = 0,
) -> Signal:
    """A signal `at` seconds after the open, looking `horizon` seconds ahead."""
    as_of = OPEN + round(at * SECOND)
    return Signal(
        id=signal_id(strategy, "r1", symbol, session, as_of, ordinal),
        strategy=strategy,
        revision="r1",
        group=group or strategy,
        symbol=symbol,
        session=session,
        n=1,
        direction=direction,
        confidence=confidence,
        strength=strength,
        as_of=as_of,
        expires=as_of + round(horizon * SECOND),
        horizon_ns=round(horizon * SECOND),
        reference_price=10.5,
        reason="because",
    )


def clock(at: float, *, end: bool = False, session: int = SESSION) -> Clock:
    """The log's clock `at` seconds after the open."""
    return Clock(time=OPEN + round(at * SECOND), session=session, phase=3, end=end)


class _Book(msgspec.Struct, array_like=True):
    views: list[Signal]


class Aggregator:
    """An aggregator core with its input streams in front of it, and under no policies unless it assumes others.

    As with a stage, it has assumed the conditions before it gets to work.
    """

    def __init__(self, sector_of: SectorOf = no_sector) -> None:
        self.sector_of = sector_of
        self.core = AggregatorCore(NAMES, sector_of)
        self.conditions, self.bundle = Conditions(), NO_POLICIES
        self.work = Work()
        self.fields: dict[str, bytes] = {}
        """What the commits have left of the state so far."""
        self.seqs = {NAMES.signals: 0, NAMES.features: 0, NAMES.risk_verdicts: 0}
        self.assume()

    def assume(
        self,
        *,
        halts: tuple[str, ...] | None = None,
        fresh: bool | None = None,
        bundle: Bundle | None = None,
    ) -> list[Opportunity]:
        """Let some of the conditions change; returns what that made it publish."""
        before = self.conditions
        self.bundle = bundle or self.bundle
        self.conditions = Conditions(
            before.halts if halts is None else halts,
            before.risk_fresh if fresh is None else fresh,
            self.bundle.version,
        )
        step = Work()
        self.core.assume(self.conditions, self.bundle, step)
        self.commit(step)
        return published(step)

    def restart(self) -> None:
        """End the process and start another one from what was committed."""
        self.core = AggregatorCore(NAMES, self.sector_of)
        self.core.load_state(self.fields)
        self.assume()

    def entry(self, event: Event | bytes, kind: Kind = Kind.SIGNAL) -> tuple[str, Entry]:
        """The next entry of the stream that carries such events."""
        if isinstance(event, Clock):
            stream, kind, payload = NAMES.features, Kind.CLOCK, codec.encode(event)
        elif isinstance(event, Signal):
            stream, payload = NAMES.signals, codec.encode(event)
        elif isinstance(event, Verdicts):
            stream, kind, payload = NAMES.risk_verdicts, Kind.VERDICTS, codec.encode(event)
        elif isinstance(event, Frame):
            stream, kind, payload = NAMES.features, Kind.FEATURES, encode(event)
        else:
            stream, payload = (NAMES.features if kind in (Kind.FEATURES, Kind.CLOCK) else NAMES.signals), event
        self.seqs[stream] += 1
        return stream, Entry(self.seqs[stream], kind, payload, Meta(hops={"ingest": self.seqs[stream]}))

    def take(self, *events: Event) -> list[Opportunity]:
        """Process events one by one; returns what they made it publish."""
        return self.feed(self.entry(event) for event in events)

    def feed(self, entries: Iterable[tuple[str, Entry]]) -> list[Opportunity]:
        """Process entries one by one; returns what they made it publish."""
        before = len(self.work.writes)
        for stream, entry in entries:
            step = Work()
            self.core.process(stream, [entry], step)
            self.commit(step)
        return published(self.work)[len([w for w in self.work.writes[:before] if w.kind is Kind.OPPORTUNITY]) :]

    def views(self, symbol: str) -> list[Signal]:
        """The views on a symbol in the committed state."""
        field = self.fields.get(symbol)
        return msgspec.msgpack.decode(field, type=_Book).views if field else []

    def commit(self, step: Work) -> None:
        """What the commit script does with the work of a batch."""
        self.work.writes += step.writes
        self.work.halts.update(step.halts)
        for counter, by in step.counts.items():
            self.work.count(counter, by)
        for field, value in step.state.items():
            if value is None:
                self.fields.pop(field, None)
            else:
                self.fields[field] = value


def published(work: Work) -> list[Opportunity]:
    """The revisions that a work publishes, in order."""
    return [codec.decode(write.payload, Opportunity) for write in work.writes if write.kind is Kind.OPPORTUNITY]


def sent(work: Work, kind: Kind, document: type[D]) -> list[D]:
    """Everything of one kind that a work writes, in order."""
    return [codec.decode(write.payload, document) for write in work.writes if write.kind is kind]
