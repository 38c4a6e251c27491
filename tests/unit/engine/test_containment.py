"""Handlers that go wrong: the engine goes on, their symbol's memory is as before, and people are told."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from dfp.contracts import codec
from dfp.contracts.contained import Contained
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Kind
from dfp.engine.containment import DEGRADED_AFTER, MAX_SIGNALS, TIMEOUTS_A_SESSION
from dfp.engine.deadline import HandlerTimeout
from dfp.log.work import Work
from dfp.sdk import Flat, Signal, State, Strategy, Tick, Up, at
from feature_log import MAUTAI, NAMES, PINGAN, SESSION, Row, clock, engine, log, moment, rows, run, signals


class Watch:
    """A watch that remembers which calls it was told of."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    @property
    def running(self) -> object | None:
        return self.calls[-1] if self.calls else None

    @running.setter
    def running(self, call: object | None) -> None:
        self.calls.append(call)


class Faulty(Strategy):
    """Counts, and goes wrong in its own way where the price says so."""

    class Memory(State):
        count: int = 0

    def on_tick(self, tick: Tick, memory: Memory) -> Any:
        memory.count += 1
        if tick.last == 13:
            return self.fail(tick, memory)
        return [Signal(Up, strength=memory.count)]

    def fail(self, tick: Tick, memory: Memory) -> Any:
        raise NotImplementedError


class Raising(Faulty):
    def fail(self, tick: Tick, memory: State) -> Any:
        raise ZeroDivisionError("no volume")


class RaisingLate(Faulty):
    def fail(self, tick: Tick, memory: State) -> Iterator[Signal]:
        yield Signal(Up)
        raise ZeroDivisionError("no volume")


class Leaving(Faulty):
    def fail(self, tick: Tick, memory: State) -> Any:
        raise SystemExit(3)


class Garbage(Faulty):
    def fail(self, tick: Tick, memory: State) -> Any:
        return 42


class GarbageInside(Faulty):
    def fail(self, tick: Tick, memory: State) -> Any:
        return "Up"


class SingleSignal(Faulty):
    def fail(self, tick: Tick, memory: State) -> Any:
        return Signal(Up)


class OutOfRange(Faulty):
    def fail(self, tick: Tick, memory: State) -> Iterator[Signal]:
        yield Signal(Up, confidence=1.5)


class UnknownName(Faulty):
    def fail(self, tick: Tick, memory: State) -> Iterator[Signal]:
        yield Signal(Up, reason="{vwap} crossed")


class Overlong(Faulty):
    def fail(self, tick: Tick, memory: State) -> Iterator[Signal]:
        yield Signal(Up, reason="{last:>600}")


class WrongMemory(Faulty):
    def fail(self, tick: Tick, memory: Any) -> Any:
        memory.count = "many"


class Flooding(Faulty):
    def fail(self, tick: Tick, memory: State) -> Iterator[Signal]:
        return itertools.repeat(Signal(Flat))


class Slow(Faulty):
    """Stands in for a loop: what the deadline raises, it raises itself."""

    def fail(self, tick: Tick, memory: State) -> Any:
        raise HandlerTimeout("used more than 0.1 s of CPU time")


def letters(work: Work) -> list[DeadLetter]:
    return [codec.decode(write.payload, DeadLetter) for write in work.writes if write.kind is Kind.DEAD_LETTER]


def journal(work: Work) -> list[Contained]:
    return [codec.decode(write.payload, Contained) for write in work.writes if write.kind is Kind.CONTAINED]


GOOD, BAD, LAST = Row(n=1), Row(n=2, last=13.0), Row(n=3)


@pytest.mark.parametrize(
    ("strategy", "reason", "detail"),
    [
        (Raising(), "strategy-raised", "ZeroDivisionError: no volume"),
        (RaisingLate(), "strategy-raised", "ZeroDivisionError: no volume"),
        (Leaving(), "strategy-raised", "SystemExit: 3"),
        (Garbage(), "strategy-raised", "the handler returned 42; expected yield Signal(…)"),
        (GarbageInside(), "strategy-raised", "the handler gave 'U'; expected Signal(…)"),
        (SingleSignal(), "strategy-raised", "the handler returned Signal("),
        (OutOfRange(), "strategy-raised", "Signal.confidence = 1.5 is not allowed; expected a number from 0 to 1"),
        (UnknownName(), "strategy-raised", "the reason names {vwap}, which the trigger does not have"),
        (Overlong(), "strategy-raised", "at most 500 characters are allowed"),
        (WrongMemory(), "strategy-raised", "Memory.count = 'many' is not allowed; expected an int"),
        (Flooding(), "strategy-flooded", f"the handler gave more than {MAX_SIGNALS} signals in one call"),
        (Slow(), "strategy-timed-out", "used more than 0.1 s of CPU time"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else "",
)
def test_a_handler_that_goes_wrong_is_contained_and_the_engine_goes_on(
    strategy: Strategy, reason: str, detail: str
) -> None:
    core = engine(strategy)
    work = run(core, log([GOOD, BAD, LAST]))
    assert [signal.strength for signal in signals(work)] == [1, 2], "the failed call left no trace in memory"
    (letter,) = letters(work)
    assert (letter.stage, letter.reason) == ("engine/test", reason)
    assert detail in letter.detail
    assert work.counts == {"ticks": 3, "signals": 2, "contained": 1, f"rejected/{reason}": 1}
    assert not core.degraded


def test_the_dead_letter_holds_the_tick_and_the_traceback_down_to_the_strategy_s_line() -> None:
    (letter,) = letters(run(engine(Raising()), log([BAD])))
    tick = json.loads(base64.b64decode(letter.record))
    assert (tick["symbol"], tick["session"], tick["n"], tick["last"]) == (MAUTAI, SESSION, 2, 13.0)
    assert 'raise ZeroDivisionError("no volume")' in letter.detail
    assert letter.detail.rstrip().endswith("ZeroDivisionError: no volume")


def test_a_traceback_of_any_length_ends_with_the_error() -> None:
    class Wordy(Faulty):
        def fail(self, tick: Tick, memory: State) -> Any:
            raise ValueError("x" * 10_000 + "the end")

    (letter,) = letters(run(engine(Wordy()), log([BAD])))
    assert letter.detail.rstrip().endswith("the end")


def test_only_the_symbol_of_the_failed_call_is_rolled_back() -> None:
    work = run(engine(Raising()), log([Row(symbol=PINGAN, n=1), BAD, Row(symbol=PINGAN, n=2)]))
    assert [(signal.symbol, signal.strength) for signal in signals(work)] == [(PINGAN, 1), (PINGAN, 2)]


def test_a_person_s_interrupt_is_not_contained() -> None:
    class Interrupted(Faulty):
        def fail(self, tick: Tick, memory: State) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(engine(Interrupted()), log([BAD]))


def test_a_timer_that_goes_wrong_is_contained_for_its_symbol_alone() -> None:
    class Timed(Strategy):
        class Memory(State):
            calls: int = 0

        @at("14:55")
        def before_close(self, symbol: str, memory: Memory, now: int) -> list[Signal]:
            memory.calls += 1
            if symbol == PINGAN:
                raise ValueError("not this one")
            return [Signal(Flat, strength=memory.calls)]

    work = run(engine(Timed()), log([*rows(1, PINGAN), *rows(1), clock("14:55:00")]))
    assert [signal.symbol for signal in signals(work)] == [MAUTAI]
    (letter,) = letters(work)
    assert json.loads(base64.b64decode(letter.record)) == {
        "handler": "before_close",
        "symbol": PINGAN,
        "session": SESSION,
        "time": moment("14:55:00"),
        "last": 10.0,
    }


def test_after_enough_failures_in_a_row_the_strategy_degrades_and_dead_letters_stop_until_it_works_again() -> None:
    core = engine(Raising())
    bad = log([Row(n=i + 1, last=13.0) for i in range(DEGRADED_AFTER + 50)])
    work = run(core, bad)
    assert core.degraded
    assert len(letters(work)) == DEGRADED_AFTER
    assert work.counts["contained"] == DEGRADED_AFTER + 50
    assert work.counts["degraded"] == 1
    work = run(core, log([GOOD, BAD]))
    assert not core.degraded
    assert len(letters(work)) == 1


def test_the_count_of_failures_survives_a_restart() -> None:
    core, twin = engine(Raising()), engine(Raising())
    run(core, log([Row(n=i + 1, last=13.0) for i in range(DEGRADED_AFTER)]))
    twin.load(core.save())
    assert twin.degraded


def test_a_time_out_is_journalled_with_its_entry_and_row() -> None:
    work = run(engine(Slow()), log([clock("10:00:00"), GOOD, BAD, clock("10:00:05"), BAD]))
    assert journal(work) == [Contained(strategy="test", seq=2, row=1), Contained(strategy="test", seq=4, row=0)]
    assert {write.stream for write in work.writes if write.kind is Kind.CONTAINED} == {NAMES.journal("engine/test")}


def test_only_time_outs_are_journalled_because_the_rest_repeats_by_itself() -> None:
    assert journal(run(engine(Raising()), log([BAD]))) == []


def test_a_strategy_that_keeps_timing_out_is_not_called_again_before_the_next_session() -> None:
    core = engine(Slow())
    work = run(core, log([*(Row(n=i + 1, last=13.0) for i in range(TIMEOUTS_A_SESSION + 5)), GOOD]))
    assert core.degraded
    assert work.counts["contained"] == TIMEOUTS_A_SESSION
    assert work.counts["suspended"] == 6
    assert signals(work) == []
    assert len(signals(run(core, log([Row(session=20220602)])))) == 1
    assert not core.degraded


def test_a_suspended_strategy_s_timers_rest_too() -> None:
    class Slowest(Slow):
        @at("14:55")
        def before_close(self, symbol: str, memory: State, now: int) -> list[Signal]:
            raise HandlerTimeout

    ticks = [Row(n=i + 1, last=13.0) for i in range(TIMEOUTS_A_SESSION - 1)]
    work = run(engine(Slowest()), log([*ticks, *rows(1, PINGAN), clock("14:55:00")]))
    assert work.counts["contained"] == TIMEOUTS_A_SESSION


class Quick(Faulty):
    """The same strategy on a machine that is fast enough."""

    def fail(self, tick: Tick, memory: State) -> list[Signal]:
        return [Signal(Flat)]


def test_a_repeated_run_obeys_the_journal_whatever_the_machine_is_capable_of() -> None:
    entries = log([GOOD, BAD, LAST, clock("10:00:00"), BAD, GOOD])
    slow, quick = engine(Slow()), engine(Quick())
    first = run(slow, entries)
    quick.journal.obey(journal(first), through=entries[-1].seq)
    again = run(quick, entries)
    assert signals(again) == signals(first)
    assert journal(again) == journal(first)
    assert again.counts == first.counts
    assert quick.save() == slow.save()


def test_a_timer_s_time_out_is_obeyed_too() -> None:
    class Timed(Strategy):
        @at("14:55")
        def before_close(self, symbol: str, memory: State, now: int) -> list[Signal]:
            return [Signal(Flat)]

    entries = log([*rows(1), *rows(1, PINGAN), clock("14:55:00")])
    core = engine(Timed())
    core.journal.obey([Contained(strategy="test", seq=2, row=1)], through=2)
    assert [signal.symbol for signal in signals(run(core, entries))] == [PINGAN]


def test_while_a_run_is_repeated_the_deadline_is_off_and_then_it_is_on_again() -> None:
    watch = Watch()
    core = engine(Quick(), watch=watch)
    entries = log([GOOD, clock("10:00:00"), BAD, clock("10:00:01"), LAST])
    core.journal.obey([], through=3)
    run(core, entries[:3])
    assert watch.calls == []
    run(core, entries[3:])
    tick, end = watch.calls
    assert isinstance(tick, Tick)
    assert end is None


def test_lines_of_other_strategies_and_beyond_the_settled_entries_are_not_obeyed() -> None:
    core = engine(Quick())
    core.journal.obey([Contained(strategy="other", seq=1, row=0), Contained(strategy="test", seq=2, row=0)], through=1)
    work = run(core, log([GOOD, clock("10:00:00"), LAST]))
    assert len(signals(work)) == 2


def test_each_call_is_announced_to_the_watch_as_an_object_of_its_own_and_ended() -> None:
    watch = Watch()
    run(engine(Raising(), watch=watch), log([GOOD, BAD, LAST]))
    begun = [call for call in watch.calls if call is not None]
    assert len({id(call) for call in begun}) == 3
    assert watch.calls[-1] is None
    assert all(after is None for before, after in itertools.pairwise(watch.calls) if before is not None)
