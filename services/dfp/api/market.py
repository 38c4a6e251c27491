"""The market as the features stream tells it: recent ticks, latest features, bars, and the log's clock."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from dfp.api.bars import MINUTE_NS, Bars
from dfp.api.symbol_rows import MOST, SymbolRows
from dfp.api.ticks import COLUMNS, Ticks
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import TICK_COLUMNS, Column, Frame, decode_ticks
from dfp.market.phases import Phase

PRICES = ("last", "bid1", "ask1", "pre_close", "limit_up", "limit_down", "open", "high", "low", "close")
"""Columns in 1/10,000 yuan, 0 = absent."""

PHASES = {int(phase): phase.name for phase in Phase}

PENDING = 32
"""Frames that wait before they are taken together: a column operation costs the same for one tick and for hundreds."""

_SCALE = 10_000
_BOOK = ("bid1", "ask1", "bid1_volume", "ask1_volume")
_SHOWN = ("time", "session", "phase", "last", "volume", "pre_close", *_BOOK)
_NOT_FEATURES = {*TICK_COLUMNS}

Values: TypeAlias = dict[str, float | str | None]


def decode(entry: Entry) -> Frame | Clock | None:
    """What an entry of the features stream says; None for a gap.

    Raises:
        ContractError: it is not what its kind says.
    """
    match entry.kind:
        case Kind.FEATURES:
            return decode_ticks(entry.payload)
        case Kind.CLOCK:
            return codec.decode(entry.payload, Clock)
        case Kind.GAP:
            return None
    raise ContractError("entry.k", entry.kind, "features, clock or gap")


class Market:
    """A consumer of the features feed.

    Args:
        most: symbols at most.

    Attributes:
        clock: the last clock entry, None before one.
    """

    def __init__(self, most: int = MOST) -> None:
        self.complete = False
        self._most = most
        self._forget()

    def _forget(self) -> None:
        self.clock: Clock | None = None
        self.symbols = SymbolRows(self._most)
        self.ticks = Ticks(self._most)
        self.bars = Bars(self._most)
        self._pending: list[Frame] = []
        self._pending_rows = 0

    def take(self, entry: Entry, told: Frame | Clock | None, /) -> None:
        """Take the next entry. Frames wait until there are some of them, or somebody asks."""
        if isinstance(told, Clock):
            self.clock = told
        elif told is not None:
            self._pending.append(told)
            self._pending_rows += told.rows
            if len(self._pending) >= PENDING or self._pending_rows > 8_192:
                self.settle()

    def caught_up(self) -> None:
        """The end of the stream was reached."""
        self.settle()
        self.complete = True

    def reset(self, reason: str) -> None:
        """Forget everything: the stream has changed."""
        self.complete = False
        self._forget()

    def settle(self) -> None:
        """Take the frames that wait."""
        pending, self._pending, self._pending_rows = self._pending, [], 0
        while pending:
            alike = [pending[0]]
            for frame in pending[1:]:
                if not _alike(frame, pending[0]):
                    break
                alike.append(frame)
            del pending[: len(alike)]
            self._take(alike)

    def listed(self) -> list[Values]:
        """The last tick of every symbol, by symbol."""
        self.settle()
        names = self.symbols.names
        order = sorted(range(len(names)), key=names.__getitem__)
        columns = [readable(name, values) for name, values in self.ticks.latest(_SHOWN, len(names)).items()]
        rows = list(zip(names, *columns, strict=True))
        return [dict(zip(("symbol", *_SHOWN), rows[place], strict=True)) for place in order]

    def row(self, symbol: str) -> int | None:
        """The row of a symbol, None when it had no tick."""
        self.settle()
        return self.symbols.row(symbol)

    def last_ticks(self, row: int, limit: int) -> list[Values]:
        """Up to `limit` ticks, the newest first."""
        return [_readable_row(tick) for tick in self.ticks.last(row, limit)]

    def last_bars(self, row: int, limit: int) -> list[Values]:
        """Up to `limit` bars, the newest first; `time` is the begin of the minute."""
        return [_readable_row({"time": bar.pop("minute") * MINUTE_NS, **bar}) for bar in self.bars.last(row, limit)]

    def _take(self, frames: list[Frame]) -> None:
        """Take frames of one session with the same columns."""
        columns: dict[str, Column] = {}
        first = frames[0]
        for name, column in first.columns.items():
            if name in COLUMNS or name == "symbol" or (name not in _NOT_FEATURES and column.dtype.kind == "f"):
                columns[name] = column if len(frames) == 1 else np.concatenate([frame[name] for frame in frames])
        rows = self.symbols.find(columns.pop("symbol"))
        columns["session"] = np.full(len(rows), first.session, np.uint32)
        if (rows < 0).any():
            kept = rows >= 0
            if not kept.any():
                return
            rows, columns = rows[kept], {name: column[kept] for name, column in columns.items()}
        self.bars.take(rows, columns)
        self.ticks.take(rows, columns)


def readable(name: str, values: Sequence[float]) -> list[float | str | None]:
    """A column as people read it: prices in yuan, phases by name, None for what is absent."""
    if name == "phase":
        return [PHASES.get(int(value)) for value in values]
    if name in PRICES:
        return [value / _SCALE if value else None for value in values]
    if name == "turnover":
        return [value if math.isfinite(value) else None for value in values]
    return list(values)


def _readable_row(values: Mapping[str, float]) -> Values:
    return {name: readable(name, (value,))[0] for name, value in values.items()}


def _alike(one: Frame, other: Frame) -> bool:
    return one.session == other.session and one.columns.keys() == other.columns.keys()
