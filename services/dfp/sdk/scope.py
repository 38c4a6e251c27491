"""How far a strategy's memory reaches: one row for each symbol, or one row for all of them."""

import enum
from typing import Final


class Scope(enum.Enum):
    """`Symbol`: a symbol's ticks see that symbol's row, and its signals are about it.

    `Universe`: ticks of all symbols see the same row, in the order of the log, and a signal names its symbol.
    """

    SYMBOL = "Symbol"
    UNIVERSE = "Universe"


Symbol: Final = Scope.SYMBOL
Universe: Final = Scope.UNIVERSE
