"""What the engine keeps for each symbol: the strategy's memory, how warm it is, and its last price."""

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from dfp.engine.universe import Universe
from dfp.market.instruments import classify
from dfp.market.symbols import unpack
from dfp.sdk.state import State

Memory = TypeVar("Memory", bound=State)


class Cell(msgspec.Struct, Generic[Memory], array_like=True):
    """One symbol.

    Attributes:
        session: trading day in which it was seen last, yyyymmdd.
        warm_ticks: fit ticks of continuous trading so far in that session.
        last: last price in yuan, NaN when there is none.
    """

    symbol: str
    memory: Memory
    session: int = 0
    warm_ticks: int = 0
    last: float = math.nan

    def enter(self, session: int) -> None:
        """Begin a session: the features start anew, so the warm-up does too. Memory stays."""
        self.session = session
        self.warm_ticks = 0
        self.last = math.nan


class Cells(dict[int, Cell[State] | None]):
    """Cell by packed symbol, made when a symbol is seen first; None for a symbol outside the universe.

    A dict that makes its own values, so that a whole column is looked up by one `map`.
    """

    def __init__(self, memory: type[State], universe: Universe) -> None:
        super().__init__()
        self._memory = memory
        self._universe = universe

    def __missing__(self, packed: int) -> Cell[State] | None:
        """The new value; raises `SymbolError` for a number that stands for no known instrument."""
        symbol = unpack(packed)
        cell = Cell(symbol, self._memory()) if self._universe.admits(classify(symbol)) else None
        self[packed] = cell
        return cell

    def seen_in(self, session: int) -> list[Cell[State]]:
        """Cells of the symbols seen in this session, in symbol order."""
        return sorted((cell for _, cell in self.admitted() if cell.session == session), key=lambda cell: cell.symbol)

    def admitted(self) -> Iterator[tuple[int, Cell[State]]]:
        """(packed symbol, cell) of every symbol in the universe, in the order in which they were seen first."""
        return ((packed, cell) for packed, cell in self.items() if cell is not None)
