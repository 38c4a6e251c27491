"""What the routes answer, beside the documents of the contracts. Times are UTC nanoseconds, prices yuan, null = absent.

Lists of documents are put together from their encoded bytes; the types here are what /openapi.json says of them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.outcome import Outcome
from dfp.contracts.policy import Policy
from dfp.contracts.risk import Alert, Halt, Verdict
from dfp.contracts.signal import Signal

Next = Annotated[str | None, Meta(description="cursor of the next page, null when this is the last")]
Phase = Annotated[str | None, Meta(description="phase of the trading day, for example CONTINUOUS")]


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer has the fields that are listed and no other."""


class OpportunityPage(Answer, frozen=True):
    """Latest revisions. `id` of the first page is where a WebSocket client may go on: it misses nothing then."""

    id: str
    opportunities: list[Opportunity]
    next: Next


class History(Answer, frozen=True):
    """The revisions of one opportunity, oldest first; of a very old one the first may be forgotten, `rev` tells."""

    revisions: list[Opportunity]


class OutcomePage(Answer, frozen=True):
    """What became of opportunities."""

    outcomes: list[Outcome]
    next: Next


class SignalPage(Answer, frozen=True):
    """What strategies said."""

    signals: list[Signal]
    next: Next


class AlertPage(Answer, frozen=True):
    """What people should know."""

    alerts: list[Alert]
    next: Next


class Strategy(Answer, frozen=True):
    """One strategy.

    Attributes:
        mode: Live or Shadow, by the stream that its last signals are in; null before one was seen.
        revision: of its last signal.
        running: whether an engine holds its lease.
        halted: whether it, or the pipeline, is halted.
        behind: entries of its inputs that it has not taken yet.
        last_signal: as-of of its last signal.
    """

    name: str
    mode: str | None
    revision: str | None
    running: bool
    owner: str | None
    halted: bool
    behind: int
    counters: dict[str, int]
    last_signal: int | None


class Strategies(Answer, frozen=True):
    """Every strategy that runs or has run, by name."""

    strategies: list[Strategy]


class Halts(Answer, frozen=True):
    """Every halt that holds, by target."""

    halts: list[Halt]


class Released(Answer, frozen=True):
    """A halt has ended."""

    target: str
    released: bool


class Policies(Answer, frozen=True):
    """The risk policies that hold, and stage -> version of the policies that it goes by."""

    version: str
    policies: list[Policy]
    acknowledged: dict[str, str]


class Locks(Answer, frozen=True):
    """Verdicts that lock their target for some time."""

    locks: list[Verdict]


class Verdicts(Answer, frozen=True):
    """What the risk guard says is not Ok; what is not listed is.

    Attributes:
        fresh: whether the guard has confirmed it in the last seconds; otherwise nothing depends on it.
        fresh_until: wall time; null when no guard ever ran.
        version: of the policies that were judged by; null before the guard has said everything.
        seq: of the last feature entry that is judged.
        time: event time of the judgement.
    """

    fresh: bool
    fresh_until: int | None
    version: str | None
    seq: int
    time: int
    verdicts: list[Verdict]


class Quote(Answer, frozen=True):
    """The last tick of a symbol."""

    symbol: str
    time: int
    session: int
    phase: Phase
    last: float | None
    volume: int
    pre_close: float | None
    bid1: float | None
    ask1: float | None
    bid1_volume: int
    ask1_volume: int


class Symbols(Answer, frozen=True):
    """Every symbol that had a tick, by symbol."""

    symbols: list[Quote]


class Tick(Answer, frozen=True):
    """One tick, level 1. `volume` (shares) and `turnover` (yuan) are those since the symbol's previous tick.

    Attributes:
        n: 1, 2, 3 … per symbol and session.
        flags: what cleaning found, as bits (contracts/flags.py).
    """

    n: int
    time: int
    session: int
    phase: Phase
    flags: int
    last: float | None
    volume: int
    turnover: float | None
    bid1: float | None
    ask1: float | None
    bid1_volume: int
    ask1_volume: int
    pre_close: float | None
    limit_up: float | None
    limit_down: float | None


class SymbolView(Answer, frozen=True):
    """A symbol's last tick and the features computed at it; null where a feature is absent."""

    symbol: str
    tick: Tick
    features: dict[str, float | None]


class Ticks(Answer, frozen=True):
    """The last ticks of a symbol, newest first; 64 are remembered."""

    symbol: str
    ticks: list[Tick]


class Bar(Answer, frozen=True):
    """One minute of event time; `time` is its begin, `volume` in shares, `turnover` in yuan."""

    time: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: int
    turnover: float | None


class Bars(Answer, frozen=True):
    """One-minute bars of a symbol, newest first; the first may still change. 242 are remembered: a session."""

    symbol: str
    bars: list[Bar]


class Edge(Answer, frozen=True):
    """When a phase begins."""

    time: int
    phase: str


class MarketView(Answer, frozen=True):
    """Where the log's clock stands; all null before its first entry.

    Attributes:
        session: trading day, yyyymmdd.
        time: event time.
        next: the day's next phase; null after the last one.
        ended: whether the session, or its replay, is over.
    """

    session: int | None
    phase: Phase
    time: int | None
    next: Edge | None
    ended: bool


class Stage(Answer, frozen=True):
    """One stage of the pipeline.

    Attributes:
        cursor: input -> number of the last entry that it is done with.
        behind: entries of its inputs that it has not taken yet.
        owner: instance that runs it; null when none does.
    """

    stage: str
    cursor: dict[str, int]
    behind: int
    counters: dict[str, int]
    owner: str | None


class Pipeline(Answer, frozen=True):
    """Every stage that runs or has run, by name."""

    stages: list[Stage]


class Version(Answer, frozen=True):
    """Which program answers, and where its ticks come from (null: not known)."""

    name: str
    version: str
    feed: str | None


encode = msgspec.json.Encoder().encode
