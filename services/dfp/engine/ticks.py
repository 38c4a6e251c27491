"""From the columns of a frame to ticks: what is the same for all rows is done in C, once a frame."""

from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from dfp.contracts.frame import Column, Frame
from dfp.market.fitness import fit
from dfp.sdk.batch import Ticks
from dfp.sdk.tick import FIELDS, Tick, tick_type

PRICE_SCALE = 10_000.0
_PRICES = ("last", "bid1", "ask1", "pre_close", "limit_up", "limit_down")


class TickReader:
    """Makes a strategy's ticks.

    Args:
        strategy: its class name, for error messages.
        needs: features that become attributes of each tick.
    """

    def __init__(self, strategy: str, needs: Sequence[str]) -> None:
        self.needs = tuple(needs)
        self._type = tick_type(strategy, needs)
        self._columns = frozenset((*FIELDS, *self.needs)) - {"symbol", "session"}

    def missing(self, frame: Frame) -> list[str]:
        """Needed features that the frame does not carry: it was written before they were asked for."""
        return [name for name in self.needs if name not in frame.columns]

    def read(self, frame: Frame, rows: Sequence[int], symbols: Sequence[str]) -> list[Tick]:
        """The ticks in these rows; a missing feature is NaN, as it is while it warms up.

        Args:
            symbols: of each of the rows, as text.
        """
        index = _index(rows)
        # One array operation for all prices: in a frame of one tick, the number of operations is what costs.
        prices = np.array([frame[name][index] for name in _PRICES])
        made: dict[str, Any] = {
            "symbol": symbols,
            "session": repeat(frame.session),
            "continuous": fit(frame, index).tolist(),
            **dict(zip(_PRICES, np.where(prices == 0, np.nan, prices / PRICE_SCALE).tolist(), strict=True)),
            **dict.fromkeys(self.missing(frame), repeat(np.nan)),
        }
        columns = [made[name] if name in made else frame[name][index].tolist() for name in (*FIELDS, *self.needs)]
        return list(map(self._type, *columns))

    def columns(self, frame: Frame, rows: Sequence[int], symbols: Sequence[str]) -> Ticks:
        """The same ticks as columns. Each is made when it is asked for: a handler of a few columns costs no more."""
        return Ticks(symbols, frame.session, self._columns, partial(_column, frame, _index(rows), len(rows)))


def _column(frame: Frame, index: Any, count: int, name: str) -> Column:
    if name in _PRICES:
        raw = frame[name][index]
        column = np.where(raw == 0, np.nan, raw / PRICE_SCALE)
    elif name == "continuous":
        column = fit(frame, index)
    else:
        carried = frame.columns.get(name)
        column = np.full(count, np.nan) if carried is None else carried[index]
    column.flags.writeable = False
    return column


def _index(rows: Sequence[int]) -> Any:
    first, last = rows[0], rows[-1]
    return slice(first, last + 1) if last - first + 1 == len(rows) else list(rows)  # a slice copies nothing
