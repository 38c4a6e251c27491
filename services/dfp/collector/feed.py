"""The one interface behind which every source of rows stands."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[Any]
"""A structured array of `ROW`."""

PRICES = ("last", "bid1", "ask1", "pre_close", "limit_up", "limit_down")
QUANTITIES = ("volume", "turnover", "bid1_volume", "ask1_volume")

DEEPER_PRICES = tuple(f"{side}{level}" for level in range(2, 6) for side in ("bid", "ask"))
DEEPER_QUANTITIES = tuple(f"{name}_volume" for name in DEEPER_PRICES)

ROW: np.dtype[Any] = np.dtype(
    [
        ("number", "<i8"),  # of the row in its source, from 1
        ("symbol", "<i4"),  # index into the batch's `symbols`
        ("time", "<i8"),  # exchange time, UTC nanoseconds
        *((name, "<f8") for name in PRICES),  # yuan, NaN = absent
        *((name, "<f8") for name in QUANTITIES),
        ("per_row", "?"),  # volume and turnover are of this row alone; else they are sums over the session so far
        ("fingerprint", "<u8"),  # of all columns of the source, also those that are not kept
    ]
)
"""A raw row. `fingerprint` tells a repeated row from a second row of the same instant; equal rows have equal ones."""

ROW_OF: Mapping[int, np.dtype[Any]] = {
    1: ROW,
    5: np.dtype([*ROW.descr, *((name, "<f8") for name in (*DEEPER_PRICES, *DEEPER_QUANTITIES))]),
}
"""A raw row by the number of levels of its book; all rows of a source have the same."""


class FeedError(ValueError):
    """A source that cannot be used: the message names the file or option, the value, what is allowed, what to do."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that could not be read at all.

    Attributes:
        number: of the row in its source.
        reason: short and countable, see contracts/dead_letter.py.
        record: the row as it stood in the source.
    """

    number: int
    reason: str
    detail: str
    record: bytes


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Consecutive rows of a source.

    Attributes:
        symbols: symbol texts, as the source writes them.
        rows: the rows in the order of the source.
        refused: rows in between that could not be read.
        position: rows of the source that are consumed after this batch; rises from batch to batch.
    """

    symbols: tuple[str, ...]
    rows: Rows
    position: int
    refused: tuple[Refused, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, count: int) -> tuple["RawBatch", "RawBatch"]:
        """The first `count` rows (at least one, fewer than all), and the others."""
        return self.split(int(self.rows["number"][count - 1]))

    def split(self, position: int) -> tuple["RawBatch", "RawBatch"]:
        """What lies before and what lies behind a position of the source within the batch."""
        count = int(np.searchsorted(self.rows["number"], position, side="right"))
        before = tuple(row for row in self.refused if row.number <= position)
        after = tuple(row for row in self.refused if row.number > position)
        return (
            RawBatch(self.symbols, self.rows[:count], position, before),
            RawBatch(self.symbols, self.rows[count:], self.position, after),
        )


def record(row: np.void, symbol: str) -> bytes:
    """A row of `ROW` as JSON, for people who read a dead letter; absent values are left out."""
    values = {name: float(row[name]) for name in (*PRICES, *QUANTITIES)}
    shown = {name: value if math.isfinite(value) else str(value) for name, value in values.items() if value == value}
    return json.dumps({"row": int(row["number"]), "symbol": symbol, "time": int(row["time"]), **shown}).encode()


class Feed(Protocol):
    """A source of rows."""

    def batches(self, after: int) -> Iterator[RawBatch]:
        """The rows behind the first `after` ones: a function of the source and `after`, never of the wall clock."""
