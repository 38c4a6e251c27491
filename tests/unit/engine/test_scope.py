"""With scope Universe a strategy has one memory, and says of any symbol what it likes."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from dfp.contracts import codec
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Kind
from dfp.engine.core import EngineCore
from dfp.engine.universe import Universe as Admitted
from dfp.sdk import Down, Flat, Signal, State, Strategy, Tick, Universe, Up, at
from feature_log import MAUTAI, PINGAN, SESSION, Item, Row, clock, engine, log, moment, rows, run, signals

NEXT_DAY = 20220602


class Follow(Strategy):
    """What the leader does, the other one does a little later."""

    scope = Universe

    class Memory(State):
        seen: int = 0
        leader: float = 0.0

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        memory.seen += 1
        if tick.symbol == MAUTAI and memory.leader and tick.last > memory.leader:
            yield Signal(Up, symbol=" 000001.sz", reason="{symbol} went to {last}")
            yield Signal(Up, symbol=MAUTAI)
            yield Signal(Flat)
        if tick.symbol == MAUTAI:
            memory.leader = tick.last

    @at("14:55")
    def before_close(self, memory: Memory, now: int) -> Iterator[Signal]:
        memory.leader = 0.0
        for symbol in (MAUTAI, PINGAN):
            yield Signal(Down, symbol=symbol, strength=memory.seen, reason="{handler}")


def rise() -> list[Row]:
    return [Row(n=5, last=10.0), Row(n=6, last=10.5)]


def letters(core: EngineCore, items: Sequence[Item]) -> list[DeadLetter]:
    work = run(core, log(items))
    return [codec.decode(one.payload, DeadLetter) for one in work.writes if one.kind is Kind.DEAD_LETTER]


def test_all_symbols_share_one_memory_and_timers_are_called_once() -> None:
    said = signals(run(engine(Follow()), log([*rows(2, PINGAN), *rows(1, MAUTAI), clock("14:55:00")])))
    assert [(one.symbol, one.strength, one.reason) for one in said] == [
        (MAUTAI, 3.0, "before_close"),
        (PINGAN, 3.0, "before_close"),
    ]


def test_a_signal_about_another_symbol_has_that_symbol_s_price_and_no_tick() -> None:
    other, named, own = signals(run(engine(Follow()), log([Row(PINGAN, n=3, last=8.0), *rise()])))
    assert (other.symbol, other.n, other.reference_price) == (PINGAN, 0, 8.0)
    assert other.reason == f"{MAUTAI} went to 10.5"
    assert (named.symbol, named.n, named.reference_price) == (MAUTAI, 6, 10.5)
    assert (own.symbol, own.n, own.direction) == (MAUTAI, 6, Flat)


def test_a_symbol_that_was_not_seen_today_has_no_price() -> None:
    yesterday = Row(PINGAN, n=3, last=8.0)
    today = [replace(row, session=NEXT_DAY, time=moment("10:00:00", NEXT_DAY)) for row in rise()]
    other, *_ = signals(run(engine(Follow()), log([yesterday, *today])))
    assert (other.symbol, other.reference_price) == (PINGAN, None)


def test_ids_differ_though_ticks_of_different_symbols_have_equal_numbers() -> None:
    class Both(Strategy):
        scope = Universe

        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Up, symbol=symbol) for symbol in (MAUTAI, PINGAN)]

        @at("10:00")
        def first(self, memory: State, now: int) -> list[Signal]:
            return [Signal(Up, symbol=MAUTAI)]

        @at("10:00")
        def second(self, memory: State, now: int) -> list[Signal]:
            return [Signal(Up, symbol=MAUTAI)]

    said = signals(run(engine(Both()), log([Row(MAUTAI), Row(PINGAN), clock("10:01:00")])))
    assert len({one.id for one in said}) == len(said) == 6


def test_a_signal_counts_when_the_symbol_that_it_is_about_is_warm() -> None:
    class Slow(Follow):
        warmup = "2 ticks"

    def said(*before: Item) -> list[str]:
        return [one.symbol for one in signals(run(engine(Slow()), log([*before, *rise()])))]

    assert said() == []
    assert said(*rows(2, PINGAN)) == [PINGAN]
    assert said(*rows(1, MAUTAI)) == [MAUTAI, MAUTAI]
    assert run(engine(Slow()), log(rise())).counts["not-warm"] == 3


@pytest.mark.parametrize(
    ("symbol", "message"), [("688981.SH", "not in the strategy's universe"), ("999999.SH", "no known kind")]
)
def test_a_signal_about_a_symbol_outside_of_the_universe_is_contained(symbol: str, message: str) -> None:
    class Stray(Strategy):
        scope = Universe

        class Memory(State):
            seen: int = 0

        def on_tick(self, tick: Tick, memory: Memory) -> list[Signal]:
            memory.seen += 1
            return [Signal(Up, symbol=symbol if tick.n == 1 else None, strength=memory.seen)]

    core = engine(Stray(), universe=Admitted.parse({"include": [{"symbols": [MAUTAI]}]}))
    (letter,) = letters(core, [Row(n=1)])
    assert message in letter.detail
    (good,) = signals(run(core, log([Row(n=2)])))
    assert good.strength == 1, "memory was rolled back"


def test_a_timer_must_name_the_symbol() -> None:
    class Silent(Strategy):
        scope = Universe

        @at("10:00")
        def later(self, memory: State, now: int) -> list[Signal]:
            return [Signal(Up)]

    (letter,) = letters(engine(Silent()), [clock("10:00:00")])
    assert "a timer has no symbol of its own" in letter.detail
    assert b'"handler":"later"' in base64.b64decode(letter.record)


def test_with_scope_symbol_a_signal_is_about_its_tick() -> None:
    class Stray(Strategy):
        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Up, symbol=tick.symbol)]

    (letter,) = letters(engine(Stray()), [Row()])
    assert "Signal.symbol is for scope Universe" in letter.detail


def test_memory_and_prices_survive_a_restart() -> None:
    first = engine(Follow())
    run(first, log([Row(PINGAN, n=3, last=8.0), Row(n=5, last=10.0)]))
    core = engine(Follow())
    core.load(first.save())
    assert core.save() == first.save()
    other, *_ = signals(run(core, log([Row(n=6, last=10.5)])))
    assert (other.symbol, other.session, other.reference_price) == (PINGAN, SESSION, 8.0)
