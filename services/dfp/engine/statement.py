"""From what a handler yields to a signal of the log: identity, as-of, expiry and reference price are added here."""

import math
from dataclasses import dataclass
from typing import TypeAlias

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


Trigger: TypeAlias = Tick | TimerCall


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes the statements: a strategy by its resource name, its revision, and the group that it belongs to."""

    strategy: str
    revision: str
    group: str

    def state(self, signal: Signal, trigger: Trigger, ordinal: int) -> Statement:
        """The signal as it goes into the log.

        Args:
            ordinal: position among the signals of the same trigger, from 0.

        Raises:
            StrategyError: the reason cannot be filled in.
        """
        n = trigger.n if isinstance(trigger, Tick) else 0
        return Statement(
            id=signal_id(
                self.strategy,
                self.revision,
                trigger.symbol,
                trigger.session,
                n or trigger.time // _SECOND,
                ordinal,
            ),
            strategy=self.strategy,
            revision=self.revision,
            group=self.group,
            symbol=trigger.symbol,
            session=trigger.session,
            n=n,
            direction=signal.direction,
            confidence=signal.confidence,
            strength=signal.strength,
            as_of=trigger.time,
            expires=trading_time.add(trigger.time, signal.horizon_ns, classify(trigger.symbol).cls),
            horizon_ns=signal.horizon_ns,
            reference_price=None if math.isnan(trigger.last) else trigger.last,
            reason=render(signal.reason, trigger),
        )
