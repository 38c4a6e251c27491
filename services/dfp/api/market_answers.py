"""What the routes on symbols and the market answer. Times are UTC nanoseconds, prices yuan, null = absent."""

from typing import Annotated

from msgspec import Meta

from dfp.api.answers import Answer

Phase = Annotated[str | None, Meta(description="phase of the trading day, for example CONTINUOUS")]


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
