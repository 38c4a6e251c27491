"""How a strategy's handlers are called, and what they may give."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeAlias

from dfp.contracts.clock import Clock
from dfp.engine.awaiting import resolved
from dfp.engine.cells import Cell
from dfp.engine.containment import MAX_SIGNALS, Flooded
from dfp.engine.statement import TimerCall, UniverseCall
from dfp.sdk.errors import StrategyError
from dfp.sdk.signal import Signal
from dfp.sdk.state import State
from dfp.sdk.timers import Timer

Handler: TypeAlias = Callable[[Any, Any], Iterable[Signal] | None]
"""Called with what triggered it and with memory."""


def of_timer(handler: Callable[[str, State, int], Iterable[Signal] | None]) -> Handler:
    """A timer's handler with scope Symbol."""

    def call(trigger: Any, memory: State) -> Iterable[Signal] | None:
        return handler(trigger.symbol, memory, trigger.time)

    return call


def of_universe_timer(handler: Callable[[State, int], Iterable[Signal] | None]) -> Handler:
    """A timer's handler with scope Universe."""

    def call(trigger: Any, memory: State) -> Iterable[Signal] | None:
        return handler(memory, trigger.time)

    return call


def timer_call(timer: Timer, cell: Cell[State], clock: Clock) -> TimerCall | UniverseCall:
    """What triggers a timer's handler; a cell without a symbol stands for the universe."""
    if not cell.symbol:
        return UniverseCall(timer.name, clock.session, clock.time)
    return TimerCall(timer.name, cell.symbol, clock.session, clock.time, cell.last)


def collected(produced: Any) -> list[Signal]:
    """The signals that a handler gave; an `async def` is run to its end.

    Raises:
        StrategyError: it gave something else, or waits for the outside.
        Flooded: it gave too many.
    """
    if not hasattr(produced, "__iter__"):
        produced = resolved(produced, MAX_SIGNALS + 1)
        if produced is None:
            return []
    if not hasattr(produced, "__iter__"):
        raise StrategyError(f"the handler returned {produced!r:.80}; expected yield Signal(…), or a list of signals")
    signals = list(islice(produced, MAX_SIGNALS + 1))
    for signal in signals:
        if not isinstance(signal, Signal):
            raise StrategyError(f"the handler gave {signal!r:.80}; expected Signal(…)")
    if len(signals) > MAX_SIGNALS:
        raise Flooded(f"the handler gave more than {MAX_SIGNALS} signals in one call")
    return signals
