"""The state of all symbols: two tables with one row a symbol, found by its code."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame
from dfp.features.kernel import compute, find_row
from dfp.features.program import Program

FIRST_ROWS = 64


class _Saved(msgspec.Struct, array_like=True):
    version: int
    features: list[str]
    symbols: bytes
    words: bytes
    long: bytes


VERSION = 1


class Table:
    """State of a feature set for all symbols seen. Rows are given in the order of first appearance, and doubled."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._words: npt.NDArray[np.int64]
        self._long: npt.NDArray[np.int32]
        self._clear(FIRST_ROWS)

    @property
    def used(self) -> int:
        """Rows in use."""
        return int(self._used[0])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the tables take."""
        return self._places.nbytes + self._words.nbytes + self._long.nbytes

    def take(self, frame: Frame) -> npt.NDArray[np.float64]:
        """Compute the features of a frame's ticks, float64 [features, rows], and change the state."""
        out = np.full((len(self.program.features), frame.rows), np.nan)
        self._make_room(frame.rows)
        compute(
            self.program.steps, self.program.ring, self._places, self._used,
            self._words, self._words.view(np.float64), self._long,
            frame.session, frame["symbol"], frame["time"], frame["phase"], frame["flags"], frame["last"],
            frame["volume"], frame["turnover"], frame["bid1"], frame["ask1"], frame["bid1_volume"],
            frame["ask1_volume"], frame["limit_up"], frame["limit_down"], out,
        )  # fmt: skip
        return out

    def symbols(self) -> npt.NDArray[np.uint64]:
        """The code of each row."""
        taken = self._places[self._places[:, 0] != 0]
        codes = np.zeros(self.used, np.uint64)
        codes[taken[:, 1]] = taken[:, 0]
        return codes

    def save(self) -> bytes:
        """The state, bit for bit."""
        used = self.used
        saved = _Saved(
            VERSION,
            [feature.name for feature in self.program.features],
            self.symbols().tobytes(),
            self._words[:used].tobytes(),
            self._long[:used].tobytes(),
        )
        return msgspec.msgpack.encode(saved)

    def load(self, state: bytes) -> None:
        """Replace the state by a saved one; empty bytes mean an empty state.

        Raises:
            ContractError: saved by another version, or for another feature set.
        """
        if not state:
            self._clear(FIRST_ROWS)
            return
        names = [feature.name for feature in self.program.features]
        try:
            saved = msgspec.msgpack.decode(state, type=_Saved)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("feature state", state[:32], f"a saved feature state ({error})") from None
        if saved.version != VERSION or saved.features != names:
            raise ContractError("feature state", saved.features, f"version {VERSION} of {', '.join(names)}")
        symbols = np.frombuffer(saved.symbols, np.uint64)
        used = len(symbols)
        self._clear(FIRST_ROWS)
        self._grow(used)
        for table, data in ((self._words, saved.words), (self._long, saved.long)):
            values = np.frombuffer(data, table.dtype)
            if values.size != used * table.shape[1]:
                raise ContractError("feature state", values.size, f"{used * table.shape[1]} values")
            table[:used] = values.reshape(used, table.shape[1])
        self._index(symbols)

    def _make_room(self, more: int) -> None:
        """Room for as many new symbols as a frame can bring."""
        needed = self.used + more
        if needed > len(self._words):
            symbols = self.symbols()
            self._grow(needed)
            self._index(symbols)

    def _grow(self, needed: int) -> None:
        """Half as many rows again at least, so that growing costs little in all and wastes little memory."""
        rows = max(needed, len(self._words) * 3 // 2)
        self._words, self._long = _enlarged(self._words, rows), _enlarged(self._long, rows)

    def _index(self, symbols: npt.NDArray[np.uint64]) -> None:
        """Build the hash table anew; at least twice as many places as rows, so it is never more than half full."""
        self._places = np.zeros((1 << (2 * len(self._words) - 1).bit_length(), 2), np.uint64)
        self._used = np.zeros(1, np.int64)
        for symbol in symbols:
            find_row(symbol, self._places, self._used)

    def _clear(self, rows: int) -> None:
        self._words = np.zeros((rows, self.program.words), np.int64)
        self._long = np.zeros((rows, self.program.long), np.int32)
        self._index(np.zeros(0, np.uint64))


def _enlarged(table: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    grown = np.zeros((rows, table.shape[1]), table.dtype)
    grown[: len(table)] = table
    return grown
