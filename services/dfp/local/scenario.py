"""Scripted ticks that make a pipeline do something: what `dfp trigger` sends, and what should come of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dfp.collector.raw_tick import RawTick
from dfp.market.phases import SECOND_NS

PRE_CLOSE = 10.0
TICK_NS = 500_000_000
QUIET_TICKS = 450
"""The longest window of the shipped strategies is 400 ticks."""

FEW_TICKS = 40

SWING = 0.04
SWINGS = 25
"""Realised volatility of so many returns of 4 % is 20 %; the house policy blocks from 5 % on, after 15 of them."""

MINUTE_NS = 60 * SECOND_NS
SWING_TICK_NS = 3 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is sent, and what is waited for.

    Attributes:
        length_ns: event time from its first tick to its last.
        expected: kinds of effect: `signal`, `opportunity`, `alert`, or `silence` of the feed.
    """

    name: str
    story: str
    length_ns: int
    expected: tuple[str, ...]

    def ticks(self, symbol: str, start: int) -> Iterator[tuple[int, RawTick]]:
        """The ticks with their times, from event time `start` on."""
        volume, turnover = 0, 0.0
        for offset, last, traded in _SCRIPTS[self.name]():
            volume += traded
            turnover += traded * last
            time = start + offset
            tick = RawTick(
                symbol=symbol,
                time=time,
                last=round(last, 2),
                volume=volume,
                turnover=round(turnover, 2),
                bid1=round(last - 0.01, 2),
                ask1=round(last + 0.01, 2),
                bid1_volume=500,
                ask1_volume=500,
                pre_close=PRE_CLOSE,
            )
            yield time, tick


def _quiet(count: int) -> Iterator[tuple[int, float, int]]:
    for number in range(count):
        yield number * TICK_NS, PRE_CLOSE + 0.01 * (number % 2), 100


def _breakout() -> Iterator[tuple[int, float, int]]:
    yield from _quiet(QUIET_TICKS)
    for number in range(5):
        yield (QUIET_TICKS + number) * TICK_NS, PRE_CLOSE * 1.03, 500_000


def _volatility() -> Iterator[tuple[int, float, int]]:
    for minute in range(SWINGS):
        for offset in range(0, MINUTE_NS, SWING_TICK_NS):
            yield minute * MINUTE_NS + offset, PRE_CLOSE * (1 + SWING * (minute % 2)), 100


SCENARIOS = {
    "breakout": Scenario(
        "breakout",
        f"{QUIET_TICKS} quiet ticks, then a jump of 3 % on heavy volume: the shipped breakout strategy speaks",
        (QUIET_TICKS + 5) * TICK_NS,
        ("signal", "opportunity"),
    ),
    "volatility": Scenario(
        "volatility",
        f"{SWINGS} minutes of swings by 4 %: realised volatility breaks the house policy",
        SWINGS * MINUTE_NS,
        ("alert",),
    ),
    "feed-stop": Scenario(
        "feed-stop",
        "some quiet ticks, then none: the pipeline says that its feed stands still",
        FEW_TICKS * TICK_NS,
        ("silence",),
    ),
}

_SCRIPTS: Mapping[str, Callable[[], Iterator[tuple[int, float, int]]]] = {
    "breakout": _breakout,
    "volatility": _volatility,
    "feed-stop": lambda: _quiet(FEW_TICKS),
}
"""Each gives (nanoseconds since the start, last price in yuan, volume traded since the tick before)."""
