"""What a strategy yields: a direction with its confidence, strength, horizon and reason.

The engine adds identity, revision, as-of, expiry and reference price; see `dfp.contracts.signal.Signal`.
"""

import functools
from dataclasses import dataclass
from typing import Final

from dfp.contracts.signal import Direction
from dfp.market.symbols import SymbolError, normalize
from dfp.market.trading_time import parse_duration
from dfp.sdk.errors import StrategyError

Up: Final = Direction.UP
Down: Final = Direction.DOWN
Flat: Final = Direction.FLAT

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Signal:
    """One statement about the symbol of the tick, or with scope Universe about any symbol.

    Attributes:
        direction: Up, Down ("reduce or avoid") or Flat (the strategy's own view ends).
        confidence: 0 to 1.
        strength: 0 to 100.
        horizon: how far ahead it looks, in trading time: `30s`, `10m`, `1h`.
        reason: for people. `{name}` is replaced by that attribute of the tick.
        symbol: with scope Universe only; the tick's own unless given.

    Raises:
        StrategyError: a value is out of range; it names the field, the value and what is allowed.
    """

    direction: Direction
    confidence: float = 0.5
    strength: float = 50.0
    horizon: str = "10m"
    reason: str = ""
    symbol: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.direction, Direction):
            raise StrategyError(f"Signal.direction = {self.direction!r} is not allowed; expected Up, Down or Flat")
        # Floats in any case: an int would be written without its `.0` and give the payload other bytes.
        object.__setattr__(self, "confidence", _within("confidence", self.confidence, 1))
        object.__setattr__(self, "strength", _within("strength", self.strength, 100))
        if not isinstance(self.reason, str) or len(self.reason) > MAX_REASON:
            raise StrategyError(f"Signal.reason = {self.reason!r:.80} is not allowed; expected {MAX_REASON} characters")
        if self.symbol is not None:
            object.__setattr__(self, "symbol", _symbol(self.symbol))
        self.horizon_ns  # noqa: B018 - raises for a horizon that is none

    @property
    def horizon_ns(self) -> int:
        """The horizon in nanoseconds of trading time."""
        return _horizon(self.horizon)


def _within(field: str, value: object, upper: float) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int) or not 0 <= value <= upper:
        raise StrategyError(f"Signal.{field} = {value!r:.80} is not allowed; expected a number from 0 to {upper}")
    return float(value)


def _symbol(value: object) -> str:
    try:
        return normalize(value) if isinstance(value, str) else normalize(repr(value))
    except SymbolError as error:
        raise StrategyError(f"Signal.symbol: {error}") from None


@functools.lru_cache(maxsize=256)
def _horizon(text: str) -> int:
    try:
        return parse_duration(text)
    except (ValueError, TypeError) as error:
        raise StrategyError(f"Signal.horizon: {error}") from None
