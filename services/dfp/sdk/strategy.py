"""The base class of every strategy, and what its declarations come to."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from dfp.sdk.batch import Signals, Ticks
from dfp.sdk.errors import StrategyError
from dfp.sdk.param import Parameter, declared, resolve
from dfp.sdk.scope import Scope
from dfp.sdk.signal import Signal
from dfp.sdk.state import State, check_state
from dfp.sdk.tick import FIELDS, Tick
from dfp.sdk.timers import Timer, timers_of

MAJOR = 1
"""Major version of the SDK; part of every strategy's revision."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A strategy class, checked.

    Attributes:
        parameters: name -> declaration.
        memory: class of the row that each symbol gets, or all of them together.
        needs: features.
        warmup_ticks: ticks of continuous trading per symbol and session before output counts.
        timers: in the order in which they run.
        batched: whether `on_batch` is used.
        scope: how far a row of memory reaches.
    """

    parameters: Mapping[str, Parameter]
    memory: type[State]
    needs: tuple[str, ...]
    warmup_ticks: int
    timers: tuple[Timer, ...]
    batched: bool
    scope: Scope


class Strategy:
    """Subclass it, declare what you need, and answer ticks with signals.

    Whatever a handler remembers belongs into its `memory`; the object itself is read-only, because only memory is
    saved, restored and rolled back.

    Attributes:
        needs: features by name, attributes of each tick.
        warmup: `"400 ticks"` of continuous trading per symbol, counted anew in each session and after a declared gap;
            until then handlers run and their output is dropped.
        scope: `Symbol`, or `Universe` for one memory and signals about any symbol of the universe.
        definition: the declarations, checked.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    warmup: ClassVar[str] = "0 ticks"
    scope: ClassVar[Scope] = Scope.SYMBOL
    definition: ClassVar[Definition] = Definition({}, State, (), 0, (), batched=False, scope=Scope.SYMBOL)

    def __init_subclass__(cls) -> None:
        """Check the declarations as soon as the class exists, so that the error points at its lines.

        Raises:
            StrategyError: names the class, the declaration and what is allowed.
        """
        super().__init_subclass__()
        inherited = cls.definition
        if "__init__" in cls.__dict__:
            raise StrategyError(f"{cls.__name__} defines __init__; declare parameters with Param and memory with State")
        timers = {timer.name: timer for timer in (*inherited.timers, *timers_of(cls.__dict__))}
        for name in ("on_tick", "on_batch", *timers):
            _check_handler(cls, name)
        cls.definition = Definition(
            parameters={**inherited.parameters, **declared(cls)},
            memory=_memory(cls),
            needs=_needs(cls),
            warmup_ticks=_warmup(cls),
            timers=tuple(timers.values()),
            batched=cls.on_batch is not Strategy.on_batch,
            scope=_scope(cls),
        )

    def __init__(self, **parameters: object) -> None:
        """Set the parameters.

        Raises:
            StrategyError: an unknown parameter, or a value that is not allowed.
        """
        for name, value in resolve(type(self).__name__, self.definition.parameters, parameters).items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise StrategyError(
            f"{type(self).__name__}.{name} cannot be assigned: a strategy is read-only, keep {name!r} in Memory"
        )

    def on_tick(self, tick: Tick, memory: Any) -> Iterable[Signal] | None:
        """Answer one tick of one symbol with `yield Signal(…)`; called for ticks of all phases.

        Args:
            memory: that symbol's row; with scope Universe the one row.
        """
        return None

    def on_batch(self, ticks: Ticks, memory: Any) -> Signals | None:
        """Answer ticks of different symbols at once; `memory` has a column for each field, one element a row.

        Used instead of `on_tick` where a strategy has both. Each row must be treated by itself: what is said of one
        symbol may not depend on which others happen to stand in the same batch.
        """
        return None


def tick_by_tick(strategy: type[Strategy]) -> type[Strategy]:
    """The same strategy without its `on_batch`: to show that it gives with columns what it gives tick by tick."""
    return type(strategy.__name__, (strategy,), {"on_batch": Strategy.on_batch})


def _scope(cls: type[Strategy]) -> Scope:
    if not isinstance(cls.scope, Scope):
        raise StrategyError(f"{cls.__name__}.scope is {cls.scope!r:.80}; expected Symbol or Universe of dfp.sdk")
    if cls.scope is Scope.UNIVERSE and cls.on_batch is not Strategy.on_batch:
        raise StrategyError(f"{cls.__name__}: ticks of a batch have no order; with scope Universe use on_tick")
    return cls.scope


def _memory(cls: type[Strategy]) -> type[State]:
    memory = getattr(cls, "Memory", State)
    if not (isinstance(memory, type) and issubclass(memory, State)):
        raise StrategyError(f"{cls.__name__}.Memory is {memory!r:.80}; expected `class Memory(State):`")
    check_state(memory)
    return memory


def _needs(cls: type[Strategy]) -> tuple[str, ...]:
    needs = cls.needs
    if not isinstance(needs, tuple) or not all(isinstance(name, str) for name in needs):
        raise StrategyError(
            f'{cls.__name__}.needs is {needs!r:.80}; expected a tuple of names: needs = ("range_high_400",)'
        )
    for name in needs:
        if name in FIELDS:
            raise StrategyError(f"{cls.__name__}.needs has {name!r}, which every tick has; list features only")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or needs.count(name) > 1:
            raise StrategyError(f"{cls.__name__}.needs has {name!r}; expected each feature once, in lower case")
    return needs


def _warmup(cls: type[Strategy]) -> int:
    found = re.fullmatch(r"(\d{1,9}) ticks", cls.warmup) if isinstance(cls.warmup, str) else None
    if found is None:
        raise StrategyError(f'{cls.__name__}.warmup is {cls.warmup!r:.80}; expected "N ticks", for example "400 ticks"')
    return int(found[1])


def _check_handler(cls: type[Strategy], name: str) -> None:
    handler = inspect.getattr_static(cls, name)
    if not inspect.isfunction(handler):
        raise StrategyError(f"{cls.__name__}.{name} is {handler!r:.80}; expected a plain method")
    plain = {"on_tick": "(self, tick, memory)", "on_batch": "(self, ticks, memory)"}
    timer = "(self, memory, now)" if cls.scope is Scope.UNIVERSE else "(self, symbol, memory, now)"
    arguments = plain.get(name, timer)
    try:
        inspect.signature(handler).bind(*arguments.split(","))
    except TypeError:
        raise StrategyError(f"{cls.__name__}.{name} must take {arguments}") from None
