"""What becomes of the state that another revision of a strategy has left."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dfp.contracts.errors import ContractError
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline
from dfp.engine.universe import Universe as Admitted
from dfp.sdk import Signal, State, Strategy, StrategyError, Tick, Universe, Up, at, every
from feature_log import MAUTAI, NAMES, PINGAN, Item, Row, clock, log, rows, run, signals


class Old(Strategy):
    """Counts ticks."""

    warmup = "3 ticks"

    class Memory(State):
        count: int = 0
        side: str = "none"

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        memory.count += 1
        yield Signal(Up, strength=memory.count)

    @at("10:01")
    def later(self, symbol: str, memory: Memory, now: int) -> Iterator[Signal]:
        yield Signal(Up, reason="once")


class New(Old):
    """Counts in another field."""

    class Memory(State):
        ticks: float = 0.0

        @classmethod
        def migrate(cls, old: Mapping[str, Any]) -> "New.Memory":
            return cls(ticks=old["count"] * 1.0)

    def on_tick(self, tick: Tick, memory: Any) -> Iterator[Signal]:
        memory.ticks += 1
        yield Signal(Up, strength=memory.ticks)


def core(strategy: Strategy, revision: str = "new", universe: Mapping[str, object] | None = None) -> EngineCore:
    admitted = Admitted.parse(universe or {})
    return EngineCore(NAMES, "test", strategy, revision=revision, universe=admitted, live=True, watch=NoDeadline())


def left(strategy: Strategy, items: list[Item]) -> bytes:
    """State that the old revision leaves."""
    old = core(strategy, "old")
    run(old, log(items))
    return old.save()


HISTORY: list[Item] = [*rows(4), *rows(2, PINGAN), clock("10:01:00")]
NEXT: list[Item] = [Row(n=9), Row(PINGAN, n=9), clock("10:02:00")]


def test_memory_is_taken_over_with_how_warm_it_is_and_which_timers_have_fired() -> None:
    migrated = core(New())
    migrated.load(left(Old(), HISTORY))
    work = run(migrated, log(NEXT))
    assert [(one.symbol, one.strength) for one in signals(work)] == [(MAUTAI, 5.0)]
    assert work.counts == {"ticks": 2, "signals": 1, "not-warm": 1}


def test_a_migrated_state_is_saved_as_one_of_the_new_revision() -> None:
    first, second = core(New()), core(New())
    first.load(left(Old(), HISTORY))
    second.load(first.save())
    assert second.save() == first.save()


def test_a_timer_with_another_schedule_is_another_timer() -> None:
    class Oftener(New):
        @every("1m")
        def later(self, symbol: str, memory: Any, now: int) -> Iterator[Signal]:
            yield Signal(Up, reason="often")

    migrated = core(Oftener())
    migrated.load(left(Old(), HISTORY))
    assert [one.reason for one in signals(run(migrated, log([clock("10:02:00")])))] == ["often"]


def test_symbols_that_the_new_universe_lacks_are_dropped() -> None:
    migrated = core(New(), universe={"include": [{"symbols": [PINGAN]}]})
    migrated.load(left(Old(), HISTORY))
    assert run(migrated, log([*NEXT[:2]])).counts == {"ticks": 1, "not-warm": 1}


def test_failures_of_the_old_code_are_not_held_against_the_new() -> None:
    class Broken(Old):
        def on_tick(self, tick: Tick, memory: Any) -> Iterator[Signal]:
            raise ValueError("broken")

    state = left(Broken(), rows(100))  # type: ignore[arg-type]
    migrated = core(New())
    migrated.load(state)
    assert not migrated.degraded


class Tick1(Strategy):
    """The same with one memory for all symbols."""

    scope = Universe

    class Memory(State):
        count: int = 0

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        memory.count += 1
        yield Signal(Up, strength=memory.count)


class Tick2(Tick1):
    class Memory(State):
        ticks: int = 0

        @classmethod
        def migrate(cls, old: Mapping[str, Any]) -> "Tick2.Memory":
            return cls(ticks=old["count"])

    def on_tick(self, tick: Tick, memory: Any) -> Iterator[Signal]:
        memory.ticks += 1
        yield Signal(Up, strength=memory.ticks)


def test_one_memory_for_all_symbols_is_taken_over_too() -> None:
    migrated = core(Tick2())
    migrated.load(left(Tick1(), HISTORY))
    assert [one.strength for one in signals(run(migrated, log([Row(n=9)])))] == [7.0]


def failing(error: Exception | None) -> type[Strategy]:
    class Failing(New):
        class Memory(State):
            ticks: float = 0.0

            @classmethod
            def migrate(cls, old: Mapping[str, Any]) -> Any:
                if error is not None:
                    raise error
                return old

    return Failing


@pytest.mark.parametrize(
    ("strategy", "old", "message"),
    [
        (Old, Old, "expected a state of revision new; Memory has no migrate"),
        (failing(ValueError("no way")), Old, r"expected a state that Memory\.migrate takes \(ValueError: no way\)"),
        (failing(KeyError("side")), Old, r"KeyError: .side."),
        (failing(None), Old, r"expected Memory from Memory\.migrate, which returned \{"),
        (New, Tick1, "the strategy's scope was another"),
        (Tick2, Old, "the strategy's scope was another"),
    ],
)
def test_what_cannot_be_migrated_is_refused_and_the_cold_start_counted(
    strategy: type[Strategy], old: type[Strategy], message: str
) -> None:
    cold = core(strategy())
    with pytest.raises(ContractError, match=message):
        cold.load(left(old(), HISTORY))
    cold.load(b"")
    entries = log([*rows(2), *rows(2, PINGAN)], cut=lambda: True)
    cold.journal.obey([], through=2)
    assert "cold-start" not in run(cold, entries[:2]).counts, "counters of a re-run are lost"
    assert run(cold, entries[2:]).counts["cold-start"] == 1
    assert "cold-start" not in run(cold, entries[2:]).counts


def test_a_migrate_that_is_no_classmethod_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Memory\.migrate must be a @classmethod"):

        class Bad(Strategy):
            class Memory(State):
                def migrate(self, old: Mapping[str, Any]) -> "Bad.Memory":
                    return self
