"""Where the columns of a symbol lie: packed symbol -> row, for whole frames at once."""

import numpy as np
import numpy.typing as npt

from dfp.market.symbols import SymbolError, pack, unpack

MOST = 8_192
"""Symbols remembered: all listed shares and funds. Ticks of further ones are passed over, so memory stays bounded."""

NO_ROW = -1


class SymbolRows:
    """Rows in the order of first appearance.

    Args:
        most: symbols at most.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.names: list[str] = []
        self._row: dict[int, int] = {}
        self._codes = np.zeros(0, np.uint64)
        self._rows = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.names)

    def row(self, symbol: str) -> int | None:
        """The row of a symbol, None when it has not been seen."""
        return self._row.get(pack(symbol))

    def find(self, codes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """The rows of packed symbols; a new symbol gets the next one, `NO_ROW` if there is none left for it."""
        if len(self._codes):
            places = np.searchsorted(self._codes, codes)
            rows = self._rows.take(places, mode="clip")
            if (self._codes.take(places, mode="clip") == codes).all():
                return rows
        self._add(codes)
        places = np.searchsorted(self._codes, codes)
        known = self._codes.take(places, mode="clip") == codes
        return np.where(known, self._rows.take(places, mode="clip"), NO_ROW)

    def _add(self, codes: npt.NDArray[np.uint64]) -> None:
        before = len(self.names)
        for code in dict.fromkeys(codes.tolist()):
            if code in self._row or len(self.names) >= self.most:
                continue
            try:
                name = unpack(code)
            except SymbolError:
                continue
            self._row[code] = len(self.names)
            self.names.append(name)
        if len(self.names) == before:
            return
        known = np.array(list(self._row), np.uint64)
        order = np.argsort(known)
        self._codes, self._rows = known[order], order.astype(np.int64)
