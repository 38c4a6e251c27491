"""The last ticks of each symbol, and its features at the last one: rings of columns, one row a symbol."""

import numpy as np
import numpy.typing as npt

from dfp.api.grown import grown
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Column

KEPT = 64
"""Ticks of each symbol: three minutes of snapshots. 5,551 symbols take 33 MB."""

COLUMNS = {name: DTYPES[code] for name, code in TICK_COLUMNS.items() if name not in ("symbol", "turnover")}
COLUMNS |= {"turnover": DTYPES["f8"], "session": DTYPES["u4"]}

MOST_FEATURES = 512


class Ticks:
    """Recent ticks and latest features.

    Args:
        most: symbols at most.
        kept: ticks of each symbol.

    Attributes:
        features: names of the columns that a symbol's last tick may have values in.
    """

    def __init__(self, most: int, kept: int = KEPT) -> None:
        self.most = most
        self.kept = kept
        self.features: list[str] = []
        self._count = np.zeros(0, np.int64)
        self._rings = {name: np.zeros((0, kept), dtype) for name, dtype in COLUMNS.items()}
        self._latest: dict[str, npt.NDArray[np.float64]] = {}

    def take(self, rows: npt.NDArray[np.int64], columns: dict[str, Column]) -> None:
        """Take ticks in order.

        Args:
            rows: of the symbols.
            columns: those of `COLUMNS`, and features.
        """
        need = int(rows.max()) + 1
        self._count = grown(self._count, need, self.most)
        slots = (self._count[rows] + _ordinals(rows)) % self.kept
        for name, ring in self._rings.items():
            if need > len(ring):
                self._rings[name] = ring = grown(ring, need, self.most)
            ring[rows, slots] = columns[name]  # of ticks that share a slot the last one stays
        np.add.at(self._count, rows, 1)
        self._take_features(rows, need, {name: column for name, column in columns.items() if name not in COLUMNS})

    def last(self, row: int, limit: int) -> list[dict[str, float]]:
        """Up to `limit` ticks of a symbol, the newest first."""
        count = int(self._count[row])
        slots = np.arange(count - 1, max(count - 1 - min(limit, self.kept), -1), -1) % self.kept
        columns = [ring[row, slots].tolist() for ring in self._rings.values()]
        return [dict(zip(self._rings, values, strict=True)) for values in zip(*columns, strict=True)]

    def latest(self, names: tuple[str, ...], rows: int) -> list[tuple[float, ...]]:
        """Some columns of the last tick of each of the first `rows` symbols."""
        slots = (self._count[:rows] - 1) % self.kept
        every = np.arange(rows)
        return list(zip(*(self._rings[name][every, slots].tolist() for name in names), strict=True))

    def features_of(self, row: int) -> dict[str, float | None]:
        """Features at a symbol's last tick; None where there is none."""
        found = {name: float(self._latest[name][row]) for name in self.features if row < len(self._latest[name])}
        return {name: None if value != value else value for name, value in found.items()}

    def bytes(self) -> int:
        """Memory set aside; what no symbol has used of it costs nothing."""
        return sum(table.nbytes for table in (*self._rings.values(), *self._latest.values(), self._count))

    def _take_features(self, rows: npt.NDArray[np.int64], need: int, columns: dict[str, Column]) -> None:
        if list(columns) != self.features:
            self.features = list(columns)[:MOST_FEATURES]
            self._latest = {
                name: self._latest.get(name, np.full(self.most, np.nan, np.float64)) for name in self.features
            }
        for name in self.features:
            self._latest[name][rows] = columns[name]


def _ordinals(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of each tick, how many of the same symbol stand before it."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(rows)))
    ordinals = np.empty(len(rows), np.int64)
    ordinals[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return ordinals
