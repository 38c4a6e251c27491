"""The guard's view of the market: for each symbol the last price of the session, the first one, and the highest.

A frame is one scatter into these columns and a clock entry one pass over them, so the guard keeps up with a replay of
the whole market. Prices come from fit ticks of continuous trading, and from the pause behind the opening auction: the
first tick there carries the auction's match, the session's opening price.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame
from dfp.market.fitness import sound
from dfp.market.phases import Phase
from dfp.market.symbols import unpack

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_PRICED = np.zeros(256, np.bool_)
_PRICED[[Phase.OPENING_PAUSE, Phase.CONTINUOUS]] = True


class SavedPrices(msgspec.Struct, array_like=True, frozen=True):
    """The columns' bytes."""

    codes: bytes
    last: bytes
    first: bytes
    high: bytes
    recent_high: bytes
    present: bytes
    lost: bytes


class Prices:
    """Columns with one place a symbol, in the order of first appearance; prices in 1/10,000 yuan, 0 = none yet.

    Attributes:
        codes: packed symbols.
        last, first, high: of the session; `high` as of the last clock entry.
        recent_high: since the last clock entry.
        present: whether the symbol had a tick in this session.
        lost: whether ticks went missing after the symbol's last one.
    """

    def __init__(self) -> None:
        self.codes = np.zeros(0, np.uint64)
        self._place: dict[int, int] = {}
        self.last: Ints = np.zeros(0, np.int64)
        self.first: Ints = np.zeros(0, np.int64)
        self.high: Ints = np.zeros(0, np.int64)
        self.recent_high: Ints = np.zeros(0, np.int64)
        self.present: Flags = np.zeros(0, np.bool_)
        self.lost: Flags = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        return len(self.codes)

    def symbol(self, place: int) -> str:
        """The symbol at a place."""
        return unpack(int(self.codes[place]))

    def take(self, frame: Frame) -> Ints:
        """Take a frame's ticks; places of the symbols that were not seen before in this session, ascending.

        Raises:
            SymbolError: a code that is no symbol; nothing of the frame is taken.
        """
        places = self._places(frame["symbol"])
        newly = np.unique(places[~self.present[places]])
        self.present[newly] = True
        self.lost[places] = False
        last = frame["last"]
        counts = _PRICED[frame["phase"]] & sound(frame)
        places, last = places[counts], last[counts]
        self.last[places] = last  # of equal places the later row stays
        unopened = self.first[places] == 0
        self.first[places[unopened][::-1]] = last[unopened][::-1]
        np.maximum.at(self.recent_high, places, last)
        return newly

    def settle(self) -> Ints:
        """Let the highs go up to now; the highest prices since the last call."""
        recent = self.recent_high.copy()
        np.maximum(self.high, recent, out=self.high)
        self.recent_high[:] = 0
        return recent

    def lose(self) -> None:
        """Ticks went missing."""
        self.lost[:] = True

    def begin_session(self) -> None:
        """Forget yesterday's prices, but no symbol."""
        for column in (self.last, self.first, self.high, self.recent_high):
            column[:] = 0
        self.present[:] = False
        self.lost[:] = False

    def save(self) -> SavedPrices:
        """The state, bit for bit."""
        columns = (self.codes, self.last, self.first, self.high, self.recent_high, self.present, self.lost)
        return SavedPrices(*(column.tobytes() for column in columns))

    def load(self, saved: SavedPrices) -> None:
        """Replace the state.

        Raises:
            ContractError: the columns do not fit each other.
        """
        codes: Any = _column(saved.codes, np.uint64)
        rows = len(codes)
        self.codes = codes
        self._place = {code: place for place, code in enumerate(codes.tolist())}
        self.last, self.first, self.high, self.recent_high = (
            column_of(data, np.int64, rows) for data in (saved.last, saved.first, saved.high, saved.recent_high)
        )
        self.present, self.lost = (column_of(data, np.bool_, rows) for data in (saved.present, saved.lost))

    def _places(self, codes: npt.NDArray[np.uint64]) -> Ints:
        known = self._place
        listed = codes.tolist()
        try:
            return np.fromiter(map(known.__getitem__, listed), np.int64, len(listed))
        except KeyError:
            new = list(dict.fromkeys(code for code in listed if code not in known))
            for code in new:
                unpack(code)
            known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
            self._grow(new)
            return np.fromiter(map(known.__getitem__, listed), np.int64, len(listed))

    def _grow(self, codes: list[int]) -> None:
        self.codes = np.concatenate([self.codes, np.array(codes, np.uint64)])
        rows = len(self.codes)
        self.last, self.first, self.high = (grown(column, rows) for column in (self.last, self.first, self.high))
        self.recent_high = grown(self.recent_high, rows)
        self.present, self.lost = grown(self.present, rows), grown(self.lost, rows)


def grown(column: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """The column with zeros behind, up to so many rows. It grows in the first minutes of a log only."""
    return np.concatenate([column, np.zeros(rows - len(column), column.dtype)])


def column_of(data: bytes, dtype: Any, rows: int) -> npt.NDArray[Any]:
    """A saved column as one that can be written to.

    Raises:
        ContractError: it has another length.
    """
    column = _column(data, dtype)
    if len(column) != rows:
        raise ContractError("risk guard state", len(column), f"columns of {rows} symbols")
    return column


def _column(data: bytes, dtype: Any) -> npt.NDArray[Any]:
    if len(data) % np.dtype(dtype).itemsize:
        raise ContractError("risk guard state", len(data), f"a column of {np.dtype(dtype).name}")
    return np.frombuffer(data, dtype).copy()
