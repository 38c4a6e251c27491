"""The laws of an engine: how its input was cut, and whether it was restarted meanwhile, changes nothing."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.contained import Contained
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.flags import Flag
from dfp.engine.core import EngineCore
from dfp.engine.deadline import HandlerTimeout
from dfp.log.work import Work
from dfp.market.phases import Phase
from dfp.sdk import Down, Flat, Signal, State, Strategy, Tick, Universe, Up, at, every
from feature_log import NAMES, SESSION, Item, Row, clock, engine, log, moment

SYMBOLS = ("600519.SH", "000001.SZ", "300122.SZ")
DAYS = (SESSION, 20220602)


class Moody(Strategy):
    """Remembers, speaks, and goes wrong in every way, depending on the price."""

    needs = ("vwap",)
    warmup = "2 ticks"

    class Memory(State):
        count: int = 0
        high: float = 0.0

    def on_tick(self, tick: Tick, memory: Memory) -> Any:
        memory.count += 1
        memory.high = max(memory.high, tick.last)
        match int(tick.last):
            case 11:
                raise ValueError("eleven")
            case 12:
                return itertools.repeat(Signal(Flat))
            case 13:
                raise HandlerTimeout("thirteen")
            case 14:
                return [Signal(Up, strength=memory.count, reason="{last} under {vwap}"), Signal(Down)]
        return None

    @every("1m")
    def each_minute(self, symbol: str, memory: Memory, now: int) -> Iterator[Signal]:
        if memory.high > 13:
            yield Signal(Down, strength=memory.count % 100, reason="{symbol} {last}")
        memory.high = 0.0

    @at("10:02")
    def at_two(self, symbol: str, memory: Memory, now: int) -> list[Signal]:
        if memory.count % 3 == 0:
            raise ValueError("three")
        return [Signal(Flat, strength=memory.count % 100)]


class Herd(Strategy):
    """Remembers the whole market, speaks about other symbols, and goes wrong too."""

    scope = Universe
    warmup = "2 ticks"

    class Memory(State):
        count: int = 0
        leader: str = ""

    def on_tick(self, tick: Tick, memory: Memory) -> Any:
        memory.count += 1
        before, memory.leader = memory.leader, tick.symbol
        match int(tick.last):
            case 11:
                raise ValueError("eleven")
            case 13:
                raise HandlerTimeout("thirteen")
            case 14 if before:
                return [Signal(Up, strength=memory.count % 100, symbol=before), Signal(Down)]
        return None

    @every("1m")
    def each_minute(self, memory: Memory, now: int) -> Iterator[Signal]:
        for symbol in SYMBOLS[: memory.count % 4]:
            yield Signal(Flat, strength=memory.count % 100, symbol=symbol)


KINDS = pytest.mark.parametrize("kind", [Moody, Herd])


@st.composite
def histories(draw: st.DrawFn) -> list[Item]:
    """A few minutes of two sessions: rows of three symbols in random order, a clock entry each so often, a gap."""
    items: list[Item] = []
    for day in DAYS:
        counts = dict.fromkeys(SYMBOLS, 0)
        for second in range(0, 240, 10):
            if draw(st.booleans()):
                phase = draw(st.sampled_from((Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.LUNCH)))
                items.append(clock(f"10:{second // 60:02d}:{second % 60:02d}", day, phase))
            if draw(st.integers(0, 30)) == 0:
                items.append(Gap(session=day, time=moment("10:00:00", day), reason="test"))
            for symbol in draw(st.lists(st.sampled_from(SYMBOLS), max_size=3)):
                counts[symbol] += 1
                price = draw(st.sampled_from((0.0, 10.0, 10.5, 11.0, 12.0, 13.0, 14.0, 14.5)))
                flags = draw(st.sampled_from((0, 0, 0, int(Flag.CROSSED))))
                time = moment("10:00:00", day) + second * 10**9
                items.append(Row(symbol, counts[symbol], time, price, flags=flags, session=day, features={"vwap": 12}))
    return items


def outcome(core: EngineCore, entries: list[Entry], batches: Iterator[int]) -> Work:
    """Everything that a core leaves behind, processed in batches of these lengths."""
    total = Work()
    rest = entries
    while rest:
        size = next(batches)
        work = Work()
        core.process(NAMES.features, rest[:size], work)
        rest = rest[size:]
        total.writes += work.writes
        total.digested += work.digested
        for counter, by in work.counts.items():
            total.count(counter, by)
    return total


def said(work: Work) -> list[tuple[str, Kind, bytes]]:
    """Writes without the journal, whose lines name places of one framing."""
    return [(write.stream, write.kind, write.payload) for write in work.writes if write.kind is not Kind.CONTAINED]


@KINDS
@settings(max_examples=50, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_frames_and_batches_of_any_size_give_the_same_bytes_counts_and_state(
    kind: type[Strategy], history: list[Item], seed: int
) -> None:
    dice = random.Random(seed)
    whole, split = engine(kind()), engine(kind())
    expected = outcome(whole, log(history), iter(lambda: 1_000_000, 0))
    found = outcome(split, log(history, cut=lambda: dice.random() < 0.5), iter(lambda: dice.randint(1, 9), 0))
    assert said(found) == said(expected)
    assert found.digested == expected.digested
    assert found.counts == expected.counts
    assert split.save() == whole.save()


@KINDS
@settings(max_examples=50, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_a_restart_at_any_entry_changes_nothing(kind: type[Strategy], history: list[Item], seed: int) -> None:
    dice = random.Random(seed)
    entries = log(history, cut=lambda: dice.random() < 0.5)
    steady = engine(kind())
    expected = outcome(steady, entries, iter(lambda: 5, 0))
    core = engine(kind())
    found = Work()
    for entry in entries:
        core.process(NAMES.features, [entry], found)
        if dice.random() < 0.3:
            state = core.save()
            core = engine(kind())
            core.load(state)
            assert core.save() == state
    assert found.writes == expected.writes
    assert core.save() == steady.save()


@settings(max_examples=50, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_a_repeated_run_that_obeys_the_journal_gives_the_same_bytes(history: list[Item], seed: int) -> None:
    class Fast(Moody):
        def on_tick(self, tick: Tick, memory: Any) -> Any:
            return [Signal(Up)] if int(tick.last) == 13 else super().on_tick(tick, memory)

    dice = random.Random(seed)
    entries = log(history, cut=lambda: dice.random() < 0.5)
    slow, fast = engine(Moody()), engine(Fast())
    first = outcome(slow, entries, iter(lambda: 3, 0))
    journal = [codec.decode(write.payload, Contained) for write in first.writes if write.kind is Kind.CONTAINED]
    fast.journal.obey(journal, through=len(entries))
    again = outcome(fast, entries, iter(lambda: 4, 0))
    assert said_signals(again) == said_signals(first)
    assert again.counts == first.counts
    assert fast.save() == slow.save()


def said_signals(work: Work) -> list[bytes]:
    return [write.payload for write in work.writes if write.kind is Kind.SIGNAL]
