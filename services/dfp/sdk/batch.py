"""Columns instead of rows: what `on_batch` is given and what it gives back.

A batch has at most one tick of each symbol, so a handler that treats each row by itself gives the same however the
market's ticks are cut into batches; the engine sees to the cut. Columns are numpy arrays: one operation does the work
of a handler call for thousands of symbols.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dfp.contracts.signal import Direction
from dfp.sdk.errors import StrategyError, closest
from dfp.sdk.signal import Signal

Column = npt.NDArray[Any]


class Ticks:
    """Ticks of different symbols, column by column; attributes as those of `Tick`, as arrays that can only be read.

    Attributes:
        symbol: texts.
        session: trading day, one number for all.
    """

    symbol: Sequence[str]
    session: int

    def __init__(
        self, symbol: Sequence[str], session: int, names: Collection[str], column: Callable[[str], Column]
    ) -> None:
        self.__dict__.update(symbol=symbol, session=session, _names=names, _column=column)

    def __len__(self) -> int:
        return len(self.symbol)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Column: ...

    else:

        def __getattr__(self, name):
            if name not in self._names:
                known = closest(name, self._names)
                raise StrategyError(f"ticks have no column {name!r}{known} (features have to be in needs)")
            column = self.__dict__[name] = self._column(name)
            return column


class MemoryColumns:
    """The memory rows of a batch, column by column: assign to a column, or to elements of it."""

    def __init__(self, strategy: str, columns: Mapping[str, Column]) -> None:
        self.__dict__["_strategy"] = strategy
        self.__dict__["_columns"] = dict(columns)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Column: ...

    else:

        def __getattr__(self, name):
            columns = self.__dict__["_columns"]
            if name in columns:
                return columns[name]
            raise StrategyError(f"{self._strategy}.Memory has no field {name!r}{closest(name, columns)}")

    def __setattr__(self, name: str, value: object) -> None:
        """Assign a whole column.

        Raises:
            StrategyError: no such field, or values of another type or number.
        """
        column = getattr(self, name)
        try:
            column[...] = value
        except (ValueError, TypeError) as error:
            raise StrategyError(f"{self._strategy}.Memory.{name} cannot be assigned {value!r:.80}: {error}") from None


class Signals:
    """What a batch says: one signal a row that is named. Scalars hold for all of them.

    Args:
        rows: row numbers, or a mask over all rows of the batch; a row may be named again.
        direction: Up, Down or Flat, or a sequence of them.
        confidence, strength: see `Signal`.
        horizon, reason: see `Signal`; one text for all.

    Raises:
        StrategyError: columns of different lengths.
    """

    def __init__(
        self,
        rows: Column | Sequence[int],
        direction: Direction | Sequence[Direction],
        confidence: float | Column = 0.5,
        strength: float | Column = 50.0,
        horizon: str = "10m",
        reason: str = "",
    ) -> None:
        found = np.asarray(rows)
        if found.dtype == np.bool_:
            found = np.flatnonzero(found)
        if found.ndim != 1 or (found.size and not np.issubdtype(found.dtype, np.integer)):
            raise StrategyError(f"Signals.rows = {rows!r:.80} is not allowed; expected row numbers or a mask")
        self.rows: list[int] = [int(row) for row in found]
        count = len(self.rows)
        self._directions = [direction] * count if isinstance(direction, Direction) else list(direction)
        self._confidence = _spread("confidence", confidence, count)
        self._strength = _spread("strength", strength, count)
        self._horizon, self._reason = horizon, reason
        if len(self._directions) != count:
            raise StrategyError(f"Signals.direction has {len(self._directions)} values for {count} rows")

    def __len__(self) -> int:
        return len(self.rows)

    def each(self) -> list[tuple[int, Signal]]:
        """(row, signal), ordered by row; signals of one row keep their order.

        Raises:
            StrategyError: see `Signal`.
        """
        made = [
            (row, Signal(direction, confidence, strength, self._horizon, self._reason))
            for row, direction, confidence, strength in zip(
                self.rows, self._directions, self._confidence, self._strength, strict=True
            )
        ]
        return sorted(made, key=lambda one: one[0])


def _spread(name: str, value: float | Column, count: int) -> list[float]:
    try:
        return [float(one) for one in np.broadcast_to(np.asarray(value, np.float64), count)]
    except (ValueError, TypeError):
        raise StrategyError(f"Signals.{name} = {value!r:.80} is not allowed; expected a number or {count}") from None
