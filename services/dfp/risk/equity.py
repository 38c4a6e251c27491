"""Equity of somebody who follows a strategy: what its published opportunities have made of one unit of money.

V = 1 + Σ w · r over the opportunities followed since the session began, closed and open. Sums of trade ratios would
weigh a trade of ten minutes like a whole account; so each opportunity takes one of equal slots, w = 1 / SLOTS, and with
all slots taken the next one is not followed. The follower buys at the first ask at or after the opening (with nobody on
the other side, at a limit, he cannot), sells at the last price before the close, and pays COST for both ways; open
positions are marked to the last price. Down opportunities are not followed: most A-shares cannot be sold short.
"""

import math
from collections.abc import Iterable

import msgspec

from dfp.contracts.policy import Drawdown
from dfp.risk.drawdown import STEP_NS, fall
from dfp.risk.latch import Latch, passed

SLOTS = 20
"""One slot is 5 %: less than any single-name limit in use, and more slots than a strategy's opportunities usually fill.
A constant, so that one policy's equity compares with another's."""

COST = 0.001
"""Fraction of the entry price: stamp duty 0.05 % on the sale, the rest for commission and slippage."""


class Position(msgspec.Struct, array_like=True):
    """An opportunity that is followed.

    Attributes:
        symbol: packed.
        strategies: members that it counts for.
        opened, closes: event times, `closes` 0 while it is live.
        entry, last: 1/10,000 yuan, `entry` 0 before it could be bought.
    """

    symbol: int
    strategies: list[str]
    opened: int
    closes: int = 0
    entry: int = 0
    last: int = 0

    def take(self, time: int, last: int, ask: int) -> bool:
        """Take a fit tick of its symbol; False when it cannot be bought, and so is not followed."""
        if time < self.opened or (self.closes and time >= self.closes):
            return True
        if not self.entry:
            self.entry = ask
        self.last = last
        return self.entry > 0

    def result(self) -> float:
        """r: return on the entry price after cost; 0 before the entry."""
        return self.last / self.entry - 1.0 - COST if self.entry else 0.0


class Account(msgspec.Struct, array_like=True):
    """What following one strategy has come to in this session.

    Attributes:
        realised: Σ w · r of closed positions.
        value: V at the last clock entry.
        peak: highest V since the session began, at clock entries.
        highs: (start, highest V) of each minute, for rules whose window rolls.
        latches: `POLICY/RULE` -> state.
    """

    realised: float = 0.0
    value: float = 1.0
    peak: float = 1.0
    highs: list[tuple[int, float]] = []
    latches: dict[str, Latch] = {}

    def close(self, position: Position) -> None:
        """Make a position's result final."""
        self.realised += position.result() / SLOTS

    def mark(self, open_positions: Iterable[Position], at: int, window_ns: int) -> None:
        """Mark to the last prices of event time `at`.

        Args:
            window_ns: trading time for which highs are kept, 0 when no rule asks for them.
        """
        self.value = 1.0 + self.realised + math.fsum(position.result() for position in open_positions) / SLOTS
        self.peak = max(self.peak, self.value)
        if not window_ns:
            self.highs = []
            return
        minute = at - at % STEP_NS
        if self.highs and self.highs[-1][0] == minute:
            self.highs[-1] = (minute, max(self.highs[-1][1], self.value))
        else:
            self.highs.append((minute, self.value))
        self.highs = [high for high in self.highs if not passed(high[0] + STEP_NS, window_ns, at)]

    def drawdown(self, check: Drawdown, at: int) -> float:
        """1 − V / max V since the session began, or over the window that rolls, in steps of a minute."""
        if check.window_ns is None:
            return fall(self.value, self.peak)
        within = [value for minute, value in self.highs if not passed(minute + STEP_NS, check.window_ns, at)]
        return fall(self.value, max(within, default=self.value))
