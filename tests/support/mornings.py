"""Random mornings of an aggregator: what strategies say, ticks, the log's clock, and trouble from outside the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dfp.contracts.conditions import PIPELINE, strategy_target
from dfp.contracts.flags import Flag
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame
from dfp.contracts.policy import Action
from dfp.contracts.risk import Decision, Verdict, Verdicts
from dfp.contracts.signal import Signal
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from opinions import OPEN, SECOND, SESSION, Down, Event, Flat, Up, clock, signal
from risk_cases import bundle_of, volatility

STRATEGIES = {"a": "g1", "b": "g1", "c": "g2", "d": "g3"}
SYMBOLS = ("600000.SH", "000001.SZ")
MORNING_S = 7000
"""Within the morning's continuous trading, where trading time and event time are the same."""

TOMORROW = 20220602
RULE = "house/volatility"

GUARDED = bundle_of(volatility(0.05))


@dataclass(frozen=True)
class Change:
    """Other conditions hold from here on."""

    halts: tuple[str, ...] = ()
    fresh: bool = True


@dataclass(frozen=True)
class Crash:
    """The process ends, and another one goes on from what was committed."""


Trouble = Event | Change | Crash


def ticks(*rows: tuple[float, float], symbol: str = SYMBOLS[0], session: int = SESSION, **columns: float) -> Frame:
    """Ticks (seconds after the open, last price in yuan) with a spread of two cents around the price."""
    times, prices = zip(*rows, strict=True)
    last = np.round(np.array(prices) * 10_000)
    made = {"symbol": pack(symbol), "time": OPEN + np.array(times) * SECOND, "last": last, "phase": Phase.CONTINUOUS}
    made |= {"bid1": last - 100, "ask1": last + 100, **columns}
    full = {
        name: np.broadcast_to(np.asarray(made.get(name, 0)), len(rows)).astype(DTYPES[code])
        for name, code in TICK_COLUMNS.items()
    }
    return Frame(session, full)


def verdicts(*blocked: str) -> Verdicts:
    """The guard's word that every symbol is Ok but these."""
    listed = [
        Verdict(
            policy="house", rule="volatility", target=f"symbol/{symbol}", action=Action.BLOCK, enforce=True,
            decision=Decision.BREACH, value=0.06, threshold=0.05, until=0,
        )
        for symbol in blocked
    ]  # fmt: skip
    return Verdicts(version=GUARDED.version, seq=1, time=OPEN, complete=True, verdicts=listed)


statements = st.builds(
    lambda strategy, **rest: signal(strategy, group=STRATEGIES[strategy], **rest),
    strategy=st.sampled_from(sorted(STRATEGIES)),
    direction=st.sampled_from([Up, Up, Down, Flat]),
    confidence=st.sampled_from([0.05, 0.3, 0.45, 0.6, 0.66, 0.72, 0.81, 1.0]),
    symbol=st.sampled_from(SYMBOLS),
    horizon=st.sampled_from([2.0, 30.0, 600.0, 3600.0]),
    strength=st.floats(0, 100),
)

_books: st.SearchStrategy[dict[str, float]] = st.sampled_from(
    [
        {},
        {},
        {"ask1": 0, "flags": int(Flag.AT_LIMIT_UP)},
        {"bid1": 0},
        {"flags": int(Flag.CROSSED)},
        {"phase": int(Phase.LUNCH)},
    ]
)


@st.composite
def _timed(draw: st.DrawFn) -> tuple[list[tuple[float, Event]], int]:
    """Signals and clock entries with the second in which each is read, a signal late or early; the last second."""
    gaps = st.sampled_from([0.0, 0.1, 0.4, 1.0, 7.0, 60.0, 400.0])
    at, events = 0.0, list[tuple[float, Event]]()
    for n, (made, gap) in enumerate(draw(st.lists(st.tuples(statements, gaps), max_size=40))):
        at = min(at + gap, MORNING_S)
        moved = signal(
            made.strategy, made.direction, made.confidence, at, horizon=made.horizon_ns / SECOND, symbol=made.symbol,
            group=made.group, strength=made.strength, ordinal=n,
        )  # fmt: skip
        events.append((at + draw(st.sampled_from([-1.5, 0.0, 0.0, 0.9, 5.0])), moved))
    every = draw(st.sampled_from([1, 1, 3, 50]))
    last = int(at) + draw(st.sampled_from([1, 60, 700]))
    events += [(float(second), clock(second)) for second in range(0, last, every)]
    if draw(st.booleans()):
        events.append((last + 10.0, clock(last, end=True)))
    return events, last


@st.composite
def days(draw: st.DrawFn) -> list[Event]:
    """Signals and clock entries in the order in which they are read."""
    events, _ = draw(_timed())
    return strategies_in_order([event for _, event in sorted(events, key=lambda event: event[0])])


@st.composite
def mornings(draw: st.DrawFn, trouble: bool = False) -> list[Trouble]:
    """As `days`, with verdicts and ticks in between, and with changes of conditions and crashes if there is trouble.

    At the end all is well, the session ends, and another one begins.
    """
    said, last = draw(_timed())
    events: list[tuple[float, Trouble]] = list(said)
    moments = st.integers(0, 10 * last - 1).map(lambda tenths: tenths / 10)
    delays = st.lists(st.sampled_from([0.0, 0.5, 3.0, 20.0]), max_size=2)
    said_at = [((one.as_of - OPEN) / SECOND, one.symbol) for _, one in said if isinstance(one, Signal)]
    quoted = [(at + delay, symbol) for at, symbol in said_at for delay in draw(delays)]
    for at, symbol in [*quoted, *draw(st.lists(st.tuples(moments, st.sampled_from(SYMBOLS)), max_size=9))]:
        at = min(at, last - 0.1)
        events.append((at, ticks((at, draw(st.integers(900, 1_100)) / 100), symbol=symbol, **draw(_books))))
    blocked = st.sampled_from([(), SYMBOLS[:1], SYMBOLS])
    events += [(at, verdicts(*draw(blocked))) for at in draw(st.lists(moments, max_size=4))]
    if trouble:
        halts = st.sampled_from([(), (), (PIPELINE,), (strategy_target("a"),), (PIPELINE, strategy_target("c"))])
        changes = st.builds(Change, halts=halts, fresh=st.booleans())
        events += [(at, draw(changes)) for at in draw(st.lists(moments, max_size=6))]
        events += [(at, Crash()) for at in draw(st.lists(moments, max_size=3))]
    read = [event for _, event in sorted(events, key=lambda event: event[0])]
    begin: list[Trouble] = draw(st.sampled_from([[Change(), verdicts()], [Change(fresh=False)], [Change()]]))
    end = [Change(), verdicts(), clock(last + 20, end=True), clock(24 * 3_600, session=TOMORROW)]
    return [*begin, *strategies_in_order(read), *end]


def strategies_in_order(events: Sequence[Trouble]) -> list[Any]:
    """The same events, but each strategy's own signals as it made them: one engine writes them, in order."""
    made: dict[str, list[Signal]] = {}
    for event in events:
        if isinstance(event, Signal):
            made.setdefault(event.strategy, []).append(event)
    queues = {strategy: iter(sorted(own, key=lambda one: one.as_of)) for strategy, own in made.items()}
    return [next(queues[event.strategy]) if isinstance(event, Signal) else event for event in events]
