"""From what a handler yields to a signal of the log: identity, as-of, expiry and reference price are added here."""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec

from dfp.contracts.signal import Signal as Statement
from dfp.contracts.signal import signal_id
from dfp.engine.reasons import render
from dfp.market import trading_time
from dfp.market.instruments import classify
from dfp.sdk.signal import Signal
from dfp.sdk.tick import Tick

_SECOND = 1_000_000_000


class TimerCall(msgspec.Struct, frozen=True):
    """A timer's call for one symbol; `last` is the symbol's last price in yuan, NaN when there is none."""

    handler: str
    symbol: str
    session: int
    time: int
    last: float


class UniverseCall(msgspec.Struct, frozen=True):
    """A timer's call with scope Universe."""

    handler: str
    session: int
    time: int


Trigger: TypeAlias = Tick | TimerCall | UniverseCall


class About(NamedTuple):
    """What a signal is about that is not about its trigger; `last` in yuan, NaN when there is none."""

    symbol: str
    last: float


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes the statements: a strategy by its resource name, its revision, and the group that it belongs to."""

    strategy: str
    revision: str
    group: str

    def state(self, signal: Signal, trigger: Trigger, ordinal: int, about: About | None = None) -> Statement:
        """The signal as it goes into the log.

        A signal about another symbol than its tick's has n = 0, and both symbols in its identity: the tick's n counts
        that symbol's ticks.

        Args:
            ordinal: position among the signals of the same trigger, from 0.
            about: where that is not the trigger's symbol.

        Raises:
            StrategyError: the reason cannot be filled in.
        """
        n = trigger.n if isinstance(trigger, Tick) else trigger.time // _SECOND
        if about is None:
            assert not isinstance(trigger, UniverseCall)
            symbol, last, where = trigger.symbol, trigger.last, trigger.symbol
        else:
            symbol, last = about
            where = f"{symbol} {trigger.symbol}" if isinstance(trigger, Tick) else symbol
        own = about is None and isinstance(trigger, Tick)
        return Statement(
            id=signal_id(self.strategy, self.revision, where, trigger.session, n, ordinal),
            strategy=self.strategy,
            revision=self.revision,
            group=self.group,
            symbol=symbol,
            session=trigger.session,
            n=n if own else 0,
            direction=signal.direction,
            confidence=signal.confidence,
            strength=signal.strength,
            as_of=trigger.time,
            expires=trading_time.add(trigger.time, signal.horizon_ns, classify(symbol).cls),
            horizon_ns=signal.horizon_ns,
            reference_price=None if math.isnan(last) else last,
            reason=render(signal.reason, trigger),
        )
