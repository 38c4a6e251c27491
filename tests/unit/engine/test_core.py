"""What the engine makes of ticks, clock entries and gaps for a strategy that behaves."""

import math
from collections.abc import Iterator

import pytest

from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.flags import Flag
from dfp.contracts.signal import signal_id
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline
from dfp.engine.universe import Universe
from dfp.market.phases import Phase
from dfp.sdk import Down, Param, Signal, State, Strategy, Tick, Up, at, every
from feature_log import MAUTAI, NAMES, PINGAN, SESSION, Row, clock, engine, log, moment, rows, run, signals

REVISION = "0123456789abcdef"


class Echo(Strategy):
    """One signal a tick."""

    def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
        return [Signal(Up, confidence=0.6, strength=40, horizon="10m", reason="{last} at {n}")]


def test_a_signal_carries_identity_as_of_expiry_and_reference_price() -> None:
    entries = log([Row(n=7, time=moment("10:00:00"), last=1845.76)])
    (signal,) = signals(run(engine(Echo()), entries))
    assert signal.id == signal_id("test", REVISION, MAUTAI, SESSION, 7, 0)
    assert (signal.strategy, signal.revision, signal.group) == ("test", REVISION, "test")
    assert (signal.symbol, signal.session, signal.n) == (MAUTAI, SESSION, 7)
    assert (signal.confidence, signal.strength) == (0.6, 40.0)
    assert (signal.as_of, signal.expires) == (moment("10:00:00"), moment("10:10:00"))
    assert signal.reference_price == 1845.76
    assert signal.reason == "1845.76 at 7"


def test_expiry_counts_trading_time_and_ends_with_the_session() -> None:
    entries = log([Row(n=1, time=moment("11:25:00")), Row(n=2, time=moment("14:58:00"), phase=Phase.CLOSING_CALL)])
    before_lunch, before_close = signals(run(engine(Echo()), entries))
    assert before_lunch.expires == moment("13:05:00")
    assert before_close.expires == moment("15:00:00")


def test_signals_of_one_tick_are_told_apart_by_their_order() -> None:
    class Twice(Strategy):
        def on_tick(self, tick: Tick, memory: State) -> Iterator[Signal]:
            yield Signal(Up)
            yield Signal(Down)

    first, second = signals(run(engine(Twice()), log([Row()])))
    assert [first.id, second.id] == [signal_id("test", REVISION, MAUTAI, SESSION, 1, i) for i in (0, 1)]


def test_every_signal_is_written_with_its_entry_s_metadata_digested_and_counted() -> None:
    meta = Meta({"ingest": 5})
    work = run(engine(Echo()), log(rows(3), meta=meta))
    assert [write.stream for write in work.writes] == [NAMES.signals] * 3
    assert {write.seq for write in work.writes} == {None}
    assert [write.meta for write in work.writes] == [meta] * 3
    assert work.digested == [write.payload for write in work.writes]
    assert work.counts == {"ticks": 3, "signals": 3}


def test_a_shadow_strategy_writes_to_the_shadow_stream() -> None:
    work = run(engine(Echo(), live=False), log([Row()]))
    assert [write.stream for write in work.writes] == [NAMES.shadow_signals]


def test_a_tick_shows_yuan_absent_values_as_nan_and_the_needed_features() -> None:
    seen: list[Tick] = []

    class Looker(Strategy):
        needs = ("vwap",)

        def on_tick(self, tick: Tick, memory: State) -> None:
            seen.append(tick)

    run(engine(Looker()), log([Row(last=87.29, ask1=0, limit_up=0, features={"vwap": 87.5, "spread": 1.0})]))
    (tick,) = seen
    assert (tick.symbol, tick.n, tick.session, tick.time) == (MAUTAI, 1, SESSION, moment("10:00:00"))
    assert (tick.last, tick.bid1, tick.pre_close, tick.vwap) == (87.29, 9.99, 10.0, 87.5)
    assert (tick.volume, tick.bid1_volume, tick.ask1_volume) == (100, 300, 100)
    assert math.isnan(tick.ask1)
    assert math.isnan(tick.limit_up)
    assert not hasattr(tick, "spread")


@pytest.mark.parametrize(
    ("phase", "flags", "continuous"),
    [
        (Phase.CONTINUOUS, 0, True),
        (Phase.CONTINUOUS, Flag.AT_LIMIT_UP | Flag.REBASED, True),
        (Phase.CONTINUOUS, Flag.CROSSED, False),
        (Phase.CONTINUOUS, Flag.NO_PRICE, False),
        (Phase.LUNCH, 0, False),
    ],
)
def test_a_tick_is_continuous_in_continuous_trading_when_nothing_is_wrong_with_it(
    phase: Phase, flags: int, continuous: bool
) -> None:
    class Looker(Strategy):
        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Up if tick.continuous else Down)]

    (signal,) = signals(run(engine(Looker()), log([Row(phase=phase, flags=flags)])))
    assert signal.direction is (Up if continuous else Down)


def test_a_feature_that_the_log_does_not_carry_yet_is_nan_and_counted() -> None:
    class Needy(Strategy):
        needs = ("vwap",)

        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Up, reason="{vwap}")]

    work = run(engine(Needy()), log([*rows(2), clock("10:01:00"), Row(n=3, features={"vwap": 9.5})]))
    assert [signal.reason for signal in signals(work)] == ["n/a", "n/a", "9.5"]
    assert work.counts["missing/vwap"] == 2


def test_a_tick_without_price_gives_a_signal_without_reference_price() -> None:
    class Always(Strategy):
        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Down)]

    (signal,) = signals(run(engine(Always()), log([Row(last=0)])))
    assert signal.reference_price is None


def test_each_symbol_has_its_own_memory() -> None:
    class Counter(Strategy):
        class Memory(State):
            count: int = 0

        def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
            memory.count += 1
            yield Signal(Up, strength=memory.count)

    work = run(engine(Counter()), log([*rows(2), *rows(2, PINGAN), *rows(1)]))
    assert [(signal.symbol, signal.strength) for signal in signals(work)] == [
        (MAUTAI, 1),
        (MAUTAI, 2),
        (PINGAN, 1),
        (PINGAN, 2),
        (MAUTAI, 3),
    ]


def test_only_symbols_of_the_universe_are_given_to_the_strategy() -> None:
    universe = Universe.parse({"include": [{"symbols": [PINGAN]}]})
    work = run(engine(Echo(), universe=universe), log([*rows(1), *rows(2, PINGAN), *rows(1)]))
    assert [signal.symbol for signal in signals(work)] == [PINGAN, PINGAN]
    assert work.counts["ticks"] == 2
    assert run(engine(Echo(), universe=universe), log(rows(2))).counts == {}


class Patient(Strategy):
    warmup = "3 ticks"

    class Memory(State):
        count: int = 0

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        memory.count += 1
        yield Signal(Up, strength=memory.count)


def test_during_warm_up_handlers_run_and_their_output_is_dropped() -> None:
    work = run(engine(Patient()), log(rows(5)))
    assert [signal.strength for signal in signals(work)] == [4, 5]
    assert work.counts == {"ticks": 5, "signals": 2, "not-warm": 3}


def test_warm_up_counts_only_fit_ticks_of_continuous_trading_and_each_symbol_alone() -> None:
    call = [Row(n=i, phase=Phase.OPENING_CALL) for i in range(1, 6)]
    unfit = [Row(n=i, flags=Flag.CROSSED) for i in range(6, 9)]
    fit = [Row(n=i) for i in range(9, 12)]
    assert signals(run(engine(Patient()), log([*call, *unfit, *fit, *rows(3, PINGAN)]))) == []


def test_warm_up_starts_again_with_each_session_and_memory_stays() -> None:
    tomorrow = [Row(n=i, session=20220602, time=moment("10:00:00", 20220602)) for i in range(1, 6)]
    said = signals(run(engine(Patient()), log([*rows(4), *tomorrow])))
    assert [(signal.session, signal.strength) for signal in said] == [(SESSION, 4), (20220602, 8), (20220602, 9)]


def test_warm_up_starts_again_after_a_declared_gap() -> None:
    gap = Gap(session=SESSION, time=moment("10:05:00"), reason="collector lost 40 ticks")
    work = run(engine(Patient()), log([*rows(4), gap, *rows(4)]))
    assert [signal.strength for signal in signals(work)] == [4, 8]
    assert work.counts["gaps"] == 1


class Timed(Strategy):
    """Speaks at 14:55 and once a minute."""

    class Memory(State):
        ticks: int = 0

    def on_tick(self, tick: Tick, memory: Memory) -> None:
        memory.ticks += 1

    @at("14:55")
    def before_close(self, symbol: str, memory: Memory, now: int) -> Iterator[Signal]:
        yield Signal(Down, strength=memory.ticks, reason="{symbol} closes at {last}")

    @every("1m")
    def each_minute(self, symbol: str, memory: Memory, now: int) -> list[Signal]:
        return [Signal(Up, strength=memory.ticks)]


def test_timers_run_for_the_symbols_seen_this_session_in_symbol_order() -> None:
    yesterday = [Row(symbol="600000.SH", session=20220531, time=moment("10:00:00", 20220531))]
    core = engine(Timed())
    run(core, log([*yesterday, *rows(2, last=11.5), *rows(1, PINGAN, last=0)]))
    at_time = moment("14:55:00")
    said = signals(run(core, log([clock("14:55:00")])))
    assert [(signal.symbol, signal.direction) for signal in said] == [
        (PINGAN, Down),
        (MAUTAI, Down),
        (PINGAN, Up),
        (MAUTAI, Up),
    ]
    assert [signal.reason for signal in said[:2]] == ["000001.SZ closes at n/a", "600519.SH closes at 11.5"]
    assert [signal.reference_price for signal in said[:2]] == [None, 11.5]
    assert {(signal.as_of, signal.n) for signal in said} == {(at_time, 0)}
    assert [signal.id for signal in said if signal.symbol == MAUTAI] == [
        signal_id("test", REVISION, MAUTAI, SESSION, at_time // 10**9, ordinal) for ordinal in (0, 1)
    ]


def test_timers_fire_once_and_only_by_clock_entries() -> None:
    core = engine(Timed())
    work = run(
        core, log([*rows(2, start="14:54:50"), *rows(3, start="14:55:00"), clock("14:55:09"), clock("14:55:10")])
    )
    assert [signal.direction for signal in signals(work)] == [Down, Up]


def test_a_timer_s_output_is_dropped_during_warm_up() -> None:
    class Slow(Timed):
        warmup = "3 ticks"

    work = run(engine(Slow()), log([*rows(2), clock("14:55:00", phase=Phase.LUNCH)]))
    assert work.counts == {"ticks": 2, "not-warm": 1}


def test_parameters_reach_the_handlers() -> None:
    class Tuned(Strategy):
        level: float = Param(1.0)

        def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
            return [Signal(Up, strength=self.level)]

    (signal,) = signals(run(engine(Tuned(level=7)), log([Row()])))
    assert signal.strength == 7.0


def test_a_saved_engine_goes_on_as_if_nothing_had_happened() -> None:
    before = log([*rows(4), clock("10:01:00"), *rows(2, PINGAN)])
    core, twin = engine(Patient()), engine(Patient())
    run(core, before)
    twin.load(core.save())
    assert twin.save() == core.save()
    after = log([*rows(3), *rows(3, PINGAN)])
    assert run(twin, after) == run(core, after)
    assert twin.save() == core.save()


def test_an_empty_state_starts_afresh() -> None:
    core = engine(Patient())
    run(core, log(rows(4)))
    core.load(b"")
    assert core.save() == engine(Patient()).save()


@pytest.mark.parametrize("state", [b"\x00", b"\xff" * 20, b"\x96", b'{"a": 1}'])
def test_a_state_that_is_none_is_refused(state: bytes) -> None:
    with pytest.raises(ContractError, match="engine state"):
        engine(Patient()).load(state)


def test_a_state_of_another_revision_is_refused() -> None:
    other = EngineCore(NAMES, "test", Patient(), revision="other", universe=Universe(), live=True, watch=NoDeadline())
    with pytest.raises(ContractError, match=f"expected a state of revision {REVISION}"):
        engine(Patient()).load(other.save())


def test_an_entry_that_cannot_be_read_is_dead_lettered_and_the_next_one_is_taken() -> None:
    entries = [
        Entry(1, Kind.FEATURES, b"DFPF rubbish"),
        Entry(2, Kind.CLOCK, b"{}"),
        Entry(3, Kind.SIGNAL, b"{}"),
        *(Entry(4, entry.kind, entry.payload) for entry in log([Row()])),
    ]
    work = run(engine(Echo()), entries)
    letters = [codec.decode(write.payload, DeadLetter) for write in work.writes if write.stream == NAMES.dead_letters]
    assert [letter.reason for letter in letters] == ["unreadable-entry"] * 3
    assert [letter.detail.split(":")[0] for letter in letters] == ["entry 1", "entry 2", "entry 3"]
    assert work.counts["rejected/unreadable-entry"] == 3
    assert len(signals(work)) == 1
