"""A strategy that answers whole columns gives what it would give tick by tick, and is contained tick by tick."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.contained import Contained
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind
from dfp.engine.awaiting import finished
from dfp.engine.core import EngineCore
from dfp.engine.deadline import HandlerTimeout, NoDeadline
from dfp.engine.universe import Universe
from dfp.sdk import Down, MemoryColumns, Signal, Signals, State, Strategy, StrategyError, Tick, Ticks, Up, at
from dfp.sdk.strategy import tick_by_tick
from feature_log import MAUTAI, NAMES, PINGAN, Item, Row, clock, engine, log, moment, rows, run, signals

SYMBOLS = (MAUTAI, PINGAN, "300750.SZ", "688981.SH")


class ByTick(Strategy):
    """Up when a price has risen three times in a row."""

    warmup = "2 ticks"

    class Memory(State):
        last: float = 0.0
        rises: int = 0
        up: bool = False
        note: str = ""

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        if not tick.continuous:
            return
        memory.rises = memory.rises + 1 if memory.last and tick.last > memory.last else 0
        memory.last = tick.last
        memory.up = memory.rises >= 3
        memory.note = "up" if memory.up else ""
        if memory.up:
            yield Signal(Up, confidence=0.5, strength=min(100, memory.rises), reason="{last} at {n}")

    @at("14:55")
    def before_close(self, symbol: str, memory: Memory, now: int) -> Iterator[Signal]:
        if memory.up:
            memory.up = False
            yield Signal(Down, reason="{symbol} closes")


class ByBatch(ByTick):
    """The same, column by column."""

    def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:
        fit = ticks.continuous
        rises = np.where((memory.last > 0) & (ticks.last > memory.last), memory.rises + 1, 0)
        memory.rises = np.where(fit, rises, memory.rises)
        memory.last = np.where(fit, ticks.last, memory.last)
        memory.up = np.where(fit, memory.rises >= 3, memory.up)
        memory.note = np.where(fit, np.where(memory.up, "up", ""), memory.note)
        rows = fit & memory.up
        strength = np.minimum(100, memory.rises[rows])
        return Signals(rows, Up, confidence=0.5, strength=strength, reason="{last} at {n}")


def market(seed: int) -> list[Item]:
    dice = random.Random(seed)
    items: list[Item] = []
    last = dict.fromkeys(SYMBOLS, 10.0)
    n = dict.fromkeys(SYMBOLS, 0)
    for second in range(120):
        if dice.random() < 0.3:
            items.append(clock(f"14:5{4 + second // 60}:{second % 60:02d}"))
        for symbol in dice.choices(SYMBOLS, k=dice.randint(0, 6)):
            n[symbol] += 1
            last[symbol] = round(last[symbol] + dice.choice((-0.01, 0.01, 0.02)), 2)
            time = moment("14:54:00") + second * 10**9
            items.append(Row(symbol, n[symbol], time, last[symbol], flags=2 if dice.random() < 0.05 else 0))
    return items


def entries(seed: int, cut: float) -> list[Entry]:
    dice = random.Random(seed)
    return log(market(seed), lambda: dice.random() < cut)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 1.0]))
def test_columns_give_what_ticks_give_however_frames_are_cut(seed: int, cut: float) -> None:
    by_tick, by_batch = engine(tick_by_tick(ByBatch)()), engine(ByBatch())
    said = run(by_tick, entries(seed, 0.0))
    assert [one.payload for one in run(by_batch, entries(seed, cut)).writes] == [one.payload for one in said.writes]
    assert by_batch.save() == by_tick.save()


def test_the_test_market_makes_both_speak() -> None:
    assert sum(len(signals(run(engine(ByBatch()), entries(seed, 0.0)))) for seed in range(5)) > 20


class Picky(ByBatch):
    """Fails on one symbol."""

    def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:
        said = super().on_batch(ticks, memory)
        if PINGAN in ticks.symbol:
            raise ValueError("not this one")
        return said


def letters(core: EngineCore, items: list[Item]) -> list[DeadLetter]:
    work = run(core, log(items))
    return [codec.decode(one.payload, DeadLetter) for one in work.writes if one.kind is Kind.DEAD_LETTER]


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
def test_a_batch_that_fails_is_contained_tick_by_tick(seed: int, cut: float) -> None:
    items = [item for item in market(seed) if not isinstance(item, Row) or item.symbol != PINGAN]
    alone = signals(run(engine(ByTick()), log(items)))
    work = run(engine(Picky()), entries(seed, cut))
    assert signals(work) == alone
    failed = sum(isinstance(item, Row) and item.symbol == PINGAN for item in market(seed))
    assert work.counts.get("contained", 0) == failed


def test_dead_letters_do_not_show_how_frames_were_cut() -> None:
    whole, cut = (
        [one.payload for one in run(engine(Picky()), entries(1, share)).writes if one.kind is Kind.DEAD_LETTER]
        for share in (0.0, 1.0)
    )
    assert whole == cut != []


def test_the_columns_of_a_batch_cannot_be_written_to() -> None:
    class Writer(Strategy):
        def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> None:
            ticks.volume[0] = 1

    core = engine(Writer(), universe=Universe.parse({"exclude": [{"symbols": [PINGAN]}]}))
    found = letters(core, [Row(SYMBOLS[2]), Row(PINGAN), Row(MAUTAI)])
    assert ["read-only" in letter.detail for letter in found] == [True, True]


def test_a_contained_tick_is_named_with_its_record() -> None:
    (letter,) = letters(engine(Picky()), [Row(MAUTAI), Row(PINGAN)])
    assert letter.reason == "strategy-raised"
    assert "not this one" in letter.detail


class Wrong(Strategy):
    """Gives what was asked of it."""

    gives: object = None

    def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:
        return type(self).gives(len(ticks))  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (lambda count: [Signal(Up)], "expected Signals"),
        (lambda count: Signals([count], Up), "expected rows of the batch"),
        (lambda count: Signals([0] * 17, Up), "more than 16 signals"),
        (lambda count: Signals([0], Up, reason="{nothing}"), "nothing"),
    ],
)
def test_what_is_no_answer_is_contained(gives: object, message: str) -> None:
    strategy = type("Given", (Wrong,), {"gives": staticmethod(gives)})()
    (letter,) = letters(engine(strategy), [Row(MAUTAI)])
    assert message in letter.detail


def test_memory_that_cannot_hold_a_value_is_rolled_back() -> None:
    class Long(ByBatch):
        def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:
            memory.rises = 7
            memory.note = "x" * 300
            return Signals([], Up)

    core, untouched = engine(Long()), engine(ByTick())
    (letter,) = letters(core, [Row(MAUTAI)])
    assert "at most 256 characters" in letter.detail
    run(untouched, log([Row(MAUTAI, flags=2)]))
    assert [cell.memory for _, cell in core._cells.admitted()] == [
        cell.memory for _, cell in untouched._cells.admitted()
    ]


def test_a_batch_that_timed_out_in_an_earlier_run_is_answered_tick_by_tick() -> None:
    class Slow(ByBatch):
        """Times out on one symbol, once."""

        def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:
            if PINGAN in ticks.symbol and Slow.slow:
                raise HandlerTimeout("slow")
            return super().on_batch(ticks, memory)

        slow = True

    items: list[Item] = [*rows(6, MAUTAI), *rows(6, PINGAN)]
    original = run(engine(Slow()), log(items))
    journal = [one for one in original.writes if one.kind is Kind.CONTAINED]
    assert len(journal) == 6
    Slow.slow = False
    repeated = engine(Slow())
    repeated.journal.obey([codec.decode(one.payload, Contained) for one in journal], through=100)
    assert signals(run(repeated, log(items))) == signals(original)


def test_a_strategy_whose_batches_keep_timing_out_is_not_called_until_the_next_session() -> None:
    class Slow(Strategy):
        def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> None:
            raise HandlerTimeout("slow")

    work = run(
        engine(Slow()), log([row for pair in zip(rows(15, MAUTAI), rows(15, PINGAN), strict=True) for row in pair])
    )
    assert work.counts == {
        "ticks": 30,
        "contained": 20,
        "rejected/strategy-timed-out": 20,
        "degraded": 1,
        "suspended": 10,
    }


class Async(Strategy):
    """Every kind of `async def`."""

    class Memory(State):
        seen: int = 0

    async def on_tick(self, tick: Tick, memory: Memory):  # type: ignore[no-untyped-def, override]
        memory.seen += 1
        if memory.seen % 2:
            yield Signal(Up, reason=await _said(memory.seen))

    @at("10:00:30")
    async def later(self, symbol: str, memory: Memory, now: int) -> list[Signal]:
        return [Signal(Down, reason=await _said(memory.seen))]


async def _said(number: int) -> str:
    return f"number {number}"


def test_async_handlers_run_to_their_end_in_the_order_of_the_log() -> None:
    said = signals(run(engine(Async()), log([*rows(3), clock("10:00:30")])))
    assert [one.reason for one in said] == ["number 1", "number 3", "number 3"]


class Forever:
    """Something that is not there yet."""

    def __await__(self) -> Iterator[None]:
        yield None


def test_a_handler_that_waits_for_the_outside_is_contained() -> None:
    class Waiting(Strategy):
        async def on_tick(self, tick: Tick, memory: State) -> None:  # type: ignore[override]
            await Forever()

    class Silent(Strategy):
        async def on_tick(self, tick: Tick, memory: State) -> None:  # type: ignore[override]
            await _said(1)

    assert letters(engine(Silent()), [Row()]) == []
    (letter,) = letters(engine(Waiting()), [Row()])
    assert "awaits something that is not there yet" in letter.detail


def test_an_async_batch_is_answered_too() -> None:
    class Both(Strategy):
        async def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals:  # type: ignore[override]
            return Signals([0], Up, reason=await _said(len(ticks)))

    (said,) = signals(run(engine(Both()), log([Row(MAUTAI), Row(PINGAN)])))
    assert said.reason == "number 2"


def test_an_async_generator_without_end_is_cut() -> None:
    class Endless(Strategy):
        async def on_tick(self, tick: Tick, memory: State):  # type: ignore[no-untyped-def, override]
            while True:
                yield Signal(Up)

    (letter,) = letters(engine(Endless()), [Row()])
    assert letter.reason == "strategy-flooded"


def test_a_coroutine_that_raises_raises() -> None:
    async def bad() -> None:
        raise StrategyError("why")

    with pytest.raises(StrategyError, match="why"):
        finished(bad())


def test_a_group_goes_into_every_signal() -> None:
    core = EngineCore(
        NAMES, "test", ByTick(), revision="r", universe=Universe(), live=True, watch=NoDeadline(), group="book"
    )
    said = signals(run(core, log([Row(n=n, last=10 + n / 100) for n in range(1, 8)])))
    assert {one.group for one in said} == {"book"}
