"""Which symbols a strategy is given: the include and exclude terms of its manifest, as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dfp.contracts.errors import ContractError
from dfp.market.instruments import Board, Instrument, InstrumentClass
from dfp.market.symbols import SymbolError, normalize
from dfp.sdk.errors import closest

BOARDS: Mapping[str, Board] = {
    "Main": Board.MAIN,
    "STAR": Board.STAR,
    "ChiNext": Board.CHINEXT,
    "Beijing": Board.BEIJING,
}
"""Names as manifests write them; a board means its shares."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The union of some terms."""

    symbols: frozenset[str] = frozenset()
    boards: frozenset[str] = frozenset()

    def has(self, instrument: Instrument) -> bool:
        """Whether a term names the instrument or its board."""
        if instrument.symbol in self.symbols:
            return True
        return instrument.cls is InstrumentClass.SHARE and any(BOARDS[name] is instrument.board for name in self.boards)


@dataclass(frozen=True, slots=True)
class Universe:
    """Include minus exclude.

    Attributes:
        include: None when there is no include term, which means every symbol.
    """

    include: Selection | None = None
    exclude: Selection = field(default_factory=Selection)

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "Universe":
        """The universe that a manifest describes: `{"include": [{"board": "STAR"}], "exclude": [{"symbols": […]}]}`.

        Raises:
            ContractError: names the field, the value and what is allowed.
        """
        for name in document:
            if name not in ("include", "exclude"):
                raise ContractError(f"universe.{name}", document[name], "the fields include and exclude")
        include = _selection("universe.include", document.get("include", []))
        exclude = _selection("universe.exclude", document.get("exclude", []))
        return cls(include, exclude or Selection())

    def admits(self, instrument: Instrument) -> bool:
        """Whether the strategy is given this instrument."""
        return (self.include is None or self.include.has(instrument)) and not self.exclude.has(instrument)

    def canonical(self) -> dict[str, object]:
        """JSON that is equal for equal universes, however their terms were written down."""
        return {
            "include": None if self.include is None else _sorted(self.include),
            "exclude": _sorted(self.exclude),
        }


def _selection(where: str, terms: object) -> Selection | None:
    if not isinstance(terms, list):
        raise ContractError(where, terms, "a list of terms, for example [{board: STAR}, {symbols: [600000.SH]}]")
    symbols: set[str] = set()
    boards: set[str] = set()
    for index, term in enumerate(terms):
        match term:
            case {"board": str(board), **rest} if not rest and board in BOARDS:
                boards.add(board)
            case {"board": board, **rest} if not rest:
                expected = f"one of {', '.join(BOARDS)}{closest(str(board), BOARDS)}"
                raise ContractError(f"{where}[{index}].board", board, expected)
            case {"symbols": list(named), **rest} if not rest:
                symbols.update(_symbol(f"{where}[{index}].symbols", symbol) for symbol in named)
            case _:
                # Members of an index and ST shares change by date: they need reference data, which is not read yet.
                raise ContractError(f"{where}[{index}]", term, "exactly one of board and symbols (a list)")
    return Selection(frozenset(symbols), frozenset(boards)) if terms else None


def _symbol(where: str, symbol: object) -> str:
    try:
        return normalize(symbol) if isinstance(symbol, str) else normalize(repr(symbol))
    except SymbolError as error:
        raise ContractError(where, symbol, str(error)) from None


def _sorted(selection: Selection) -> dict[str, list[str]]:
    return {"symbols": sorted(selection.symbols), "boards": sorted(selection.boards)}
