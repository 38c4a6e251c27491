"""The real timer against handlers that really loop; CPU time is bounded, elapsed time is not."""

import itertools
import signal
import threading
import time
from typing import Any

import pytest

from dfp.engine.deadline import Deadline, HandlerTimeout
from dfp.sdk import Signal, State, Strategy, StrategyError, Tick, Up
from feature_log import Row, engine, log, run, signals


class Looping(Strategy):
    def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
        while tick.last == 13:
            pass
        return [Signal(Up)]


class LoopingInAGenerator(Strategy):
    def on_tick(self, tick: Tick, memory: State) -> Any:
        for _ in itertools.count():
            if tick.last != 13:
                yield Signal(Up)
                return


class Swallowing(Strategy):
    """Catches the first time-out; the next one ends it."""

    def on_tick(self, tick: Tick, memory: State) -> list[Signal]:
        try:
            while tick.last == 13:
                pass
        except BaseException:
            while True:
                pass
        return [Signal(Up)]


@pytest.mark.parametrize("strategy", [Looping(), LoopingInAGenerator(), Swallowing()], ids=lambda s: type(s).__name__)
def test_a_handler_that_loops_for_ever_is_ended_and_the_next_tick_is_taken(strategy: Strategy) -> None:
    with Deadline(0.01) as watch:
        work = run(engine(strategy, watch=watch), log([Row(n=1), Row(n=2, last=13.0), Row(n=3)]))
    assert [said.n for said in signals(work)] == [1, 3]
    assert work.counts["rejected/strategy-timed-out"] == 1


def test_a_call_is_not_ended_by_time_that_earlier_calls_have_used() -> None:
    with Deadline(0.01) as watch:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            watch.running = object()
            watch.running = None


def test_between_calls_nothing_is_ended() -> None:
    with Deadline(0.01):
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass


def test_waiting_uses_no_cpu_time_and_is_not_ended() -> None:
    with Deadline(0.005) as watch:
        watch.running = object()
        threading.Event().wait(0.1)
        watch.running = None


def test_the_timer_and_the_signal_handler_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with Deadline(0.01), pytest.raises(HandlerTimeout):
        raise HandlerTimeout
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


@pytest.mark.parametrize("budget", [0, -1, float("nan")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(StrategyError, match="expected more than 0"):
        Deadline(budget)
