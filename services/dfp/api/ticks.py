"""The last ticks of each symbol, and its features at the last one: rings of records, one row a symbol.

A tick is one record, not a place in many columns: symbols come in any order, and each column would be a cache miss.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dfp.api.grown import grown
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Column

KEPT = 64
"""Ticks of each symbol: three minutes of snapshots. 5,551 symbols take 35 MB."""

COLUMNS = {name: DTYPES[code] for name, code in TICK_COLUMNS.items() if name != "symbol"} | {"session": DTYPES["u4"]}

_TICK = np.dtype(list(COLUMNS.items()))
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
        self._ring = np.zeros((0, kept), _TICK)
        self._latest = np.zeros((0, 0), np.float64)

    def take(self, rows: npt.NDArray[np.int64], columns: dict[str, Column]) -> None:
        """Take ticks in order.

        Args:
            rows: of the symbols.
            columns: those of `COLUMNS`, and features.
        """
        need = int(rows.max()) + 1
        self._count = grown(self._count, need, self.most)
        self._ring = grown(self._ring, need, self.most)
        ticks = np.empty(len(rows), _TICK)
        for name in COLUMNS:
            ticks[name] = columns[name]
        slots = (self._count[rows] + _ordinals(rows)) % self.kept
        self._ring.reshape(-1)[rows * self.kept + slots] = ticks  # of ticks that share a slot the last one stays
        np.add.at(self._count, rows, 1)
        self._take_features(rows, need, {name: column for name, column in columns.items() if name not in COLUMNS})

    def last(self, row: int, limit: int) -> list[dict[str, float]]:
        """Up to `limit` ticks of a symbol, the newest first."""
        count = int(self._count[row])
        slots = np.arange(count - 1, max(count - 1 - min(limit, self.kept), -1), -1) % self.kept
        return [dict(zip(COLUMNS, tick, strict=True)) for tick in self._ring[row, slots].tolist()]

    def latest(self, names: Sequence[str], rows: int) -> dict[str, list[float]]:
        """Some columns of the last tick of each of the first `rows` symbols."""
        found = self._ring[np.arange(rows), (self._count[:rows] - 1) % self.kept]
        return {name: found[name].tolist() for name in names}

    def features_of(self, row: int) -> dict[str, float | None]:
        """Features at a symbol's last tick; None where there is none."""
        if not self.features:
            return {}
        values = self._latest[row].tolist()
        return {
            name: value if math.isfinite(value) else None for name, value in zip(self.features, values, strict=True)
        }

    def bytes(self) -> int:
        """Memory set aside; what no symbol has used of it costs nothing."""
        return self._ring.nbytes + self._latest.nbytes + self._count.nbytes

    def _take_features(self, rows: npt.NDArray[np.int64], need: int, columns: dict[str, Column]) -> None:
        """Take the features; a pipeline that begins to compute others has none of the old ones any more."""
        names = list(columns)[:MOST_FEATURES]
        if names != self.features:
            self.features = names
            self._latest = np.zeros((0, len(names)), np.float64)
        if need > len(self._latest):
            before = len(self._latest)
            self._latest = grown(self._latest, need, self.most)
            self._latest[before:] = np.nan
        if names:
            self._latest[rows] = np.stack([columns[name] for name in names], axis=1)


def _ordinals(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of each tick, how many of the same symbol stand before it."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(rows)))
    ordinals = np.empty(len(rows), np.int64)
    ordinals[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return ordinals
