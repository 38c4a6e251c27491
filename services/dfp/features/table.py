"""The state of all symbols: two tables with one row a symbol, found by its code."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame
from dfp.features.catalog import MAX_VOLUME, Kind
from dfp.features.kernel import compute
from dfp.features.program import COUNT, FIRST_WORD, Program
from dfp.features.rows import find_row, find_rows
from dfp.features.state import VERSION, TableState, block_of, heads_of, prices_of, symbols_of
from dfp.market.phases import midnight_ns, session_open_ns

FIRST_ROWS = 64

FIRST_SESSION, LAST_SESSION = 19901219, 22611231
"""Shanghai's first trading day, and the last year of int64 nanoseconds."""

_NEXT = -1


class Table:
    """State of a feature set for all symbols seen. Rows are given in the order of first appearance.

    Attributes:
        beyond: ticks left out so far because a value is beyond what there can be, see `dfp.features.catalog`.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.beyond = 0
        self._deep = any(feature.kind is Kind.IMBALANCE_5 for feature in program.features)
        self._words: npt.NDArray[np.int64]
        self._long: npt.NDArray[np.int32]
        self._partial: int
        """The session whose beginning may be missing, 0 = none, or `_NEXT`: that of the next frame."""
        self.load(None)

    @property
    def used(self) -> int:
        """Rows in use."""
        return int(self._used[0])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the tables take."""
        return self._places.nbytes + self._words.nbytes + self._long.nbytes

    def take(self, frame: Frame) -> npt.NDArray[np.float64]:
        """Compute the features of a frame's ticks, float64 [features, rows], and change the state.

        Raises:
            ContractError: the frame's session is no date, or a column of a deeper level has another type.
        """
        midnight, opening = _day(frame.session)
        bid_depth, ask_depth = _depth(frame, "bid", self._deep), _depth(frame, "ask", self._deep)
        if self._partial == _NEXT:
            self._partial = frame.session if frame["time"][0] >= opening else 0
        out = np.full((len(self.program.features), frame.rows), np.nan)
        rows, fit = self._rows_of(frame, midnight)
        self.beyond += compute(
            self.program.steps, self.program.ring, self._words, self._words.view(np.float64), self._long,
            frame.session, midnight, frame.session == self._partial, rows, fit,
            frame["time"], frame["last"], frame["volume"], frame["turnover"], frame["bid1"], frame["ask1"],
            frame["bid1_volume"], frame["ask1_volume"], frame["limit_up"], frame["limit_down"],
            bid_depth, ask_depth, out,
        )  # fmt: skip
        return out

    def hole(self) -> None:
        """Ticks are missing from here on. No window bridges them; a session that has begun stays without its sums."""
        self._forget()
        self._partial = _NEXT

    def symbols(self) -> npt.NDArray[np.uint64]:
        """The code of each row."""
        taken = self._places[self._places[:, 0] != 0]
        codes = np.zeros(self.used, np.uint64)
        codes[taken[:, 1]] = taken[:, 0]
        return codes

    def save(self) -> TableState:
        """The state, bit for bit."""
        words, long, ring = self._words[: self.used], self._long[: self.used], self.program.ring
        return TableState(
            VERSION,
            self._partial,
            ring,
            self.symbols().tobytes(),
            words[:, :FIRST_WORD].tobytes(),
            long[:, :ring].tobytes(),
            {
                block.name: (words[:, block.words].tobytes(), long[:, block.long].tobytes())
                for block in self.program.blocks
            },
        )

    def load(self, state: TableState | None) -> None:
        """Replace the state by a saved one; None means an empty state.

        What the two feature sets share goes on as if nothing had happened. A step that is new warms up by itself: it
        sees the ticks from here on, and sums of the session begin with the next session.

        Raises:
            ContractError: the state does not fit; the table keeps what it has.
        """
        if state is None:
            self._forget()
            return
        program, symbols = self.program, symbols_of(state)
        rows = len(symbols)
        heads = heads_of(state, rows)
        counts = heads[:, COUNT]
        words = np.zeros((max(rows, FIRST_ROWS), program.words), np.int64)
        long = np.zeros((len(words), program.long), np.int32)
        words[:rows, :FIRST_WORD] = heads
        long[:rows, : program.ring] = prices_of(state, counts, program.ring)
        for block in program.blocks:
            words[:rows, block.words], long[:rows, block.long] = block_of(state, block, counts)
        self._words, self._long, self._partial = words, long, state.partial
        self._index(symbols)

    def _rows_of(self, frame: Frame, midnight: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        rows, fit = np.empty(frame.rows, np.int64), np.empty(frame.rows, np.bool_)
        found = 0
        while True:
            found, beyond = find_rows(
                self._places, self._used, len(self._words), midnight,
                frame["symbol"], frame["time"], frame["phase"], frame["flags"], frame["last"], frame["volume"],
                frame["turnover"], frame["bid1"], frame["ask1"], frame["bid1_volume"], frame["ask1_volume"],
                frame["limit_up"], frame["limit_down"], rows, fit, found,
            )  # fmt: skip
            self.beyond += beyond
            if found == frame.rows:
                return rows, fit
            self._grow()

    def _grow(self) -> None:
        """Half as many rows again, so that growing costs little in all and wastes little memory."""
        symbols = self.symbols()
        rows = len(self._words) * 3 // 2
        self._words, self._long = _enlarged(self._words, rows), _enlarged(self._long, rows)
        self._index(symbols)

    def _index(self, symbols: npt.NDArray[np.uint64]) -> None:
        """Build the hash table anew; at least twice as many places as rows, so it is never more than half full."""
        rows = len(self._words)
        self._places = np.zeros((1 << (2 * rows - 1).bit_length(), 2), np.uint64)
        self._used = np.zeros(1, np.int64)
        for symbol in symbols:
            find_row(symbol, self._places, self._used, rows)

    def _forget(self) -> None:
        self._words = np.zeros((FIRST_ROWS, self.program.words), np.int64)
        self._long = np.zeros((FIRST_ROWS, self.program.long), np.int32)
        self._partial = 0
        self._index(np.zeros(0, np.uint64))


def _enlarged(table: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    grown = np.zeros((rows, table.shape[1]), table.dtype)
    grown[: len(table)] = table
    return grown


@functools.lru_cache(maxsize=4)
def _day(session: int) -> tuple[int, int]:
    """Midnight and opening of a session, UTC nanoseconds."""
    if not FIRST_SESSION <= session <= LAST_SESSION:
        raise ContractError("frame.session", session, f"a day from {FIRST_SESSION} to {LAST_SESSION}")
    try:
        return midnight_ns(session), session_open_ns(session)
    except ValueError as error:
        raise ContractError("frame.session", session, str(error)) from None


def _depth(frame: Frame, side: str, wanted: bool) -> npt.NDArray[np.int64]:
    """Volume of five levels of one side of the book, −1 where it is unknown."""
    depth = np.full(frame.rows, -1, np.int64)
    names = [f"{side}{level}_volume" for level in range(1, 6)]
    if not wanted or not frame.columns.keys() >= set(names):
        return depth
    for name in names:
        if frame[name].dtype != depth.dtype:
            raise ContractError(f"frame.{name}", frame[name].dtype.str, "a column of type i8")
    levels = np.array([frame[name] for name in names])
    known = ((levels >= 0) & (levels <= MAX_VOLUME)).all(axis=0)
    return np.where(known, levels.sum(axis=0), depth)
