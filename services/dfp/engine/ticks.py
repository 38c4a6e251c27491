"""From the columns of a frame to ticks: what is the same for all rows is done in C, once a frame."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from dfp.contracts.flags import UNFIT
from dfp.contracts.frame import Frame
from dfp.market.phases import Phase
from dfp.sdk.tick import FIELDS, Tick, tick_type

PRICE_SCALE = 10_000.0
_PRICES = ("last", "bid1", "ask1", "pre_close", "limit_up", "limit_down")
_CONTINUOUS = int(Phase.CONTINUOUS)
_UNFIT = int(UNFIT)


class TickReader:
    """Makes a strategy's ticks.

    Args:
        strategy: its class name, for error messages.
        needs: features that become attributes of each tick.
    """

    def __init__(self, strategy: str, needs: Sequence[str]) -> None:
        self.needs = tuple(needs)
        self._type = tick_type(strategy, needs)

    def missing(self, frame: Frame) -> list[str]:
        """Needed features that the frame does not carry: it was written before they were asked for."""
        return [name for name in self.needs if name not in frame.columns]

    def read(self, frame: Frame, rows: Sequence[int], symbols: Sequence[str]) -> list[Tick]:
        """The ticks in these rows; a missing feature is NaN, as it is while it warms up.

        Args:
            symbols: of each of the rows, as text.
        """
        index: Any = slice(None) if len(rows) == frame.rows else list(rows)
        # One array operation for all prices: in a frame of one tick, the number of operations is what costs.
        prices = np.array([frame[name][index] for name in _PRICES])
        fit = (frame["phase"][index] == _CONTINUOUS) & ((frame["flags"][index] & _UNFIT) == 0)
        made: dict[str, Any] = {
            "symbol": symbols,
            "session": repeat(frame.session),
            "continuous": fit.tolist(),
            **dict(zip(_PRICES, np.where(prices == 0, np.nan, prices / PRICE_SCALE).tolist(), strict=True)),
            **dict.fromkeys(self.missing(frame), repeat(np.nan)),
        }
        columns = [made[name] if name in made else frame[name][index].tolist() for name in (*FIELDS, *self.needs)]
        return list(map(self._type, *columns))
