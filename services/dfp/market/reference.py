"""Reference data: what is known of a share on a day before its first tick, from dated tables in files.

Previous close, price limits, ex-rights factor, ST flag, sector and daily bars come from vendors, each with holes of its
own. What no table says is *unknown* (None) here and never a guess: a risk rule that takes an unknown sector for a safe
one does not fail closed. docs/reference_data.md describes the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

UNKNOWN = -1
"""In `Table`, of what is a whole number and never negative."""

Column = npt.NDArray[Any]


class ReferenceDataError(ValueError):
    """A table of reference data that cannot be used: the message names file, row, column, value, what is allowed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a symbol on a day; None = unknown.

    Attributes:
        pre_close: previous close, ex-rights included, 1/10,000 yuan.
        limit_up, limit_down: price limits of the day, 1/10,000 yuan; 0 = known to have none that day.
        sector: name of its sector, as the table has it.
        st: whether it is under special treatment (ST, *ST).
    """

    pre_close: int | None = None
    limit_up: int | None = None
    limit_down: int | None = None
    sector: str | None = None
    st: bool | None = None


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class DailyBar:
    """A session of a symbol.

    Attributes:
        session: trading day, yyyymmdd.
        open, high, low, close: 1/10,000 yuan, on the price level of the day that was asked for.
        volume: shares, as they were traded (not adjusted).
    """

    session: int
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order of (symbol, session), column by column; `UNKNOWN` or NaN where a cell says nothing.

    Attributes:
        symbols: each symbol once, sorted.
        begins: row at which each symbol's rows begin, and the number of rows behind the last.
        session: yyyymmdd.
        prices: `PRICES` name -> 1/10,000 yuan.
        volume: shares.
        factor: cumulative ex-rights factor.
        st: 0, 1 or `UNKNOWN`.
        sector: index into `sectors`.
    """

    symbols: tuple[str, ...]
    begins: Column
    session: Column
    prices: dict[str, Column]
    volume: Column
    factor: Column
    st: Column
    sector: Column
    sectors: tuple[str, ...]


PRICES = ("pre_close", "limit_up", "limit_down", "open", "high", "low", "close")
BAR = ("open", "high", "low", "close")


class ReferenceData:
    """Facts and daily bars by symbol (in its one spelling) and session.

    Use `load` or `empty`.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        spans = zip(table.begins[:-1].tolist(), table.begins[1:].tolist(), strict=True)
        self._spans = dict(zip(table.symbols, spans, strict=True))

    @classmethod
    def load(cls, paths: Sequence[Path]) -> "ReferenceData":
        """Reference data of CSV and Parquet files together; what a later file says of a cell wins.

        Raises:
            ReferenceDataError: a file cannot be read or says what is not allowed.
        """
        if not paths:
            return cls.empty()
        # Imported late: pyarrow takes 50 MB, and processes without reference data need none of it.
        from dfp.market.reference_file import read

        return cls(read(paths))

    @classmethod
    def empty(cls) -> "ReferenceData":
        """Nothing is known."""
        none = np.zeros(0, np.int64)
        return cls(
            Table(
                (), np.zeros(1, np.int64), none, dict.fromkeys(PRICES, none), none, none.astype(float), none, none, ()
            )
        )

    def __len__(self) -> int:
        """Rows, one a (symbol, session)."""
        return len(self.table.session)

    def facts(self, symbol: str, session: int) -> Facts:
        """What is known of a symbol on a day (yyyymmdd): what its row of that very day says."""
        row = self._row(symbol, session)
        if row is None:
            return NOTHING
        table = self.table
        pre_close, limit_up, limit_down = (
            _known(table.prices[name][row]) for name in ("pre_close", "limit_up", "limit_down")
        )
        sector, st = _known(table.sector[row]), _known(table.st[row])
        return Facts(
            pre_close,
            limit_up,
            limit_down,
            None if sector is None else table.sectors[sector],
            None if st is None else bool(st),
        )

    def daily_bars(self, symbol: str, session: int, count: int = 20) -> tuple[DailyBar, ...] | None:
        """The last `count` bars before `session` (yyyymmdd), oldest first, ex-rights adjusted to its price level.

        Prices are multiplied by factor(bar) / factor(session), as vendors define a cumulative factor.

        Returns:
            None when they are not known: fewer than `count` bars, or a factor is missing. The factor of `session`
            itself is needed even where there was no ex-rights, so that a table nobody has kept up to date is not
            taken for one of yesterday.
        """
        row = self._row(symbol, session)
        if row is None:
            return None
        table = self.table
        begin = self._spans[symbol][0]
        rows = begin + np.flatnonzero(table.prices["close"][begin:row] != UNKNOWN)[-count:]
        ratio = table.factor[rows] / table.factor[row]
        if len(rows) < count or np.isnan(ratio).any():
            return None
        prices = [np.floor(table.prices[name][rows] * ratio + 0.5).astype(np.int64).tolist() for name in BAR]
        columns = (table.session[rows].tolist(), *prices, table.volume[rows].tolist())
        return tuple(DailyBar(*values) for values in zip(*columns, strict=True))

    def _row(self, symbol: str, session: int) -> int | None:
        span = self._spans.get(symbol)
        if span is None:
            return None
        begin, end = span
        row = begin + int(np.searchsorted(self.table.session[begin:end], session))
        return row if row < end and self.table.session[row] == session else None


def _known(value: Any) -> int | None:
    return None if value == UNKNOWN else int(value)
