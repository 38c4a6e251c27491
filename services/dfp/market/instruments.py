"""What a symbol stands for, as its prefix tells; what is not known is refused by name.

A guess would be worse than a refusal: it would give an index a price limit, or a fund the tick of a share. The prefixes
are the code ranges of the exchanges (SSE trading guide no. 4, SZSE, BSE) as far as the product trades or shows them.
"""

import enum
import functools
import re
from dataclasses import dataclass

from dfp.market.symbols import CACHED, SymbolError, normalize


class InstrumentClass(enum.StrEnum):
    """Kinds of instrument that differ in hours, limits, lots or fees."""

    SHARE = "share"
    """A-share, depositary receipts of the STAR market included."""

    ETF = "etf"

    BOND = "bond"
    """Convertible bond."""

    INDEX = "index"
    """Not traded: no book, no limits, no lots."""

    B_SHARE = "b-share"
    """Quoted in US dollars (Shanghai) or Hong Kong dollars (Shenzhen), here as everywhere in 1/10,000 of them."""

    REIT = "reit"

    FUTURE = "future"
    """CFFEX future on a stock index."""

    TREASURY_FUTURE = "treasury-future"
    """CFFEX future on government bonds."""


class Board(enum.StrEnum):
    """Board under whose rules an instrument trades."""

    MAIN = "main"
    STAR = "star"
    CHINEXT = "chinext"
    BEIJING = "beijing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol and what it is.

    Attributes:
        symbol: normalised.
        cls: kind of instrument.
        board: board whose rules hold; NONE where boards do not matter.
        tick: smallest price step in 1/10,000 yuan (of the quoting currency; of an index point for indices and futures).
    """

    symbol: str
    cls: InstrumentClass
    board: Board
    tick: int


class UnknownInstrument(SymbolError):
    """A well-formed symbol that no rule of ours covers; the message says which prefixes are covered."""


_Traits = tuple[InstrumentClass, Board, int]

_RANGES: dict[str, tuple[tuple[str, _Traits], ...]] = {
    "SH": (
        ("600 601 603 605", (InstrumentClass.SHARE, Board.MAIN, 100)),
        ("688 689", (InstrumentClass.SHARE, Board.STAR, 100)),
        ("510 511 512 513 515 516 517 518 520 530 551 560 561 562 563", (InstrumentClass.ETF, Board.NONE, 10)),
        ("588 589", (InstrumentClass.ETF, Board.STAR, 10)),  # funds of STAR shares have the limits of STAR
        ("110 111 113 118", (InstrumentClass.BOND, Board.NONE, 10)),
        ("000", (InstrumentClass.INDEX, Board.NONE, 1)),
        ("900", (InstrumentClass.B_SHARE, Board.MAIN, 10)),
        ("508", (InstrumentClass.REIT, Board.NONE, 10)),
    ),
    "SZ": (
        ("000 001 002 003", (InstrumentClass.SHARE, Board.MAIN, 100)),
        ("300 301 302", (InstrumentClass.SHARE, Board.CHINEXT, 100)),
        ("159", (InstrumentClass.ETF, Board.NONE, 10)),
        ("123 127 128", (InstrumentClass.BOND, Board.NONE, 10)),
        ("399", (InstrumentClass.INDEX, Board.NONE, 1)),
        ("200", (InstrumentClass.B_SHARE, Board.MAIN, 100)),
        ("180", (InstrumentClass.REIT, Board.NONE, 10)),
    ),
    "BJ": (
        ("43 82 83 87 88 920", (InstrumentClass.SHARE, Board.BEIJING, 100)),
        ("899", (InstrumentClass.INDEX, Board.NONE, 1)),
    ),
    "CF": (
        ("IF IH IC IM", (InstrumentClass.FUTURE, Board.NONE, 2_000)),
        ("TS TF T", (InstrumentClass.TREASURY_FUTURE, Board.NONE, 50)),
        ("TL", (InstrumentClass.TREASURY_FUTURE, Board.NONE, 100)),
    ),
}

_TRAITS = {
    market: {prefix: traits for prefixes, traits in ranges for prefix in prefixes.split()}
    for market, ranges in _RANGES.items()
}

_CONTRACT = re.compile(r"([A-Z]{1,2})[0-9]{2}(?:0[1-9]|1[0-2])")


@functools.lru_cache(maxsize=CACHED)
def classify(symbol: str) -> Instrument:
    """The instrument of a symbol, given in any spelling that `symbols.normalize` takes.

    Raises:
        SymbolError: not the form of a symbol.
        UnknownInstrument: the form of one, but of no kind that is covered.
    """
    symbol = normalize(symbol)
    code, market = symbol.split(".")
    known = _TRAITS[market]
    traits = _futures_traits(symbol, code) if market == "CF" else known.get(code[:3]) or known.get(code[:2])
    if traits is None:
        raise UnknownInstrument(
            f"symbol {symbol!r} is of no known kind; expected on {market} a code that begins with {', '.join(known)}"
        )
    return Instrument(symbol, *traits)


def product(symbol: str) -> str:
    """Product letters of a futures contract: `IF` of `IF2101.CF`."""
    return symbol[: -len("2101.CF")]


def _futures_traits(symbol: str, code: str) -> _Traits | None:
    if _CONTRACT.fullmatch(code) is None:
        raise UnknownInstrument(f"symbol {symbol!r} names no month; expected yymm at its end, for example IF2101.CF")
    return _TRAITS["CF"].get(product(symbol))
