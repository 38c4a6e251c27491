"""Which columns of a file are which of ours; a file that does not fit is refused with the column that is wrong.

There is one layout for each kind of market data that archives hold: *plain* is ours, the others are those in
circulation. docs/data.md describes them all. Of a column that is not kept a layout still says that it belongs to it,
because repeated rows are recognised by all columns: a row may differ from the one before in its tenth level only.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfp.collector.feed import DEEPER_PRICES, DEEPER_QUANTITIES, PRICES, QUANTITIES, FeedError

REQUIRED = ("symbol", "time", "last")
NUMBERS = (*PRICES, *QUANTITIES)
DEEPER = (*DEEPER_PRICES, *DEEPER_QUANTITIES)

MINUTE_NS = 60_000_000_000
LAST_OF_MINUTE_NS = 1_000_000
"""A bar becomes a tick a millisecond before its minute ends, the last instant that snapshots know: at the end itself
another phase may have begun (lunch at 11:30), to which none of its trades belongs."""

LOT = 100
"""Shares."""

ORDER_NUMBERS = {"buy_no", "sell_no"}
"""Columns without which two equal trades are two trades: only these tell that one was written twice."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A file layout.

    Attributes:
        columns: our name -> the file's name.
        others: pattern of columns that belong to the layout and are not kept.
        deeper: like `columns`, levels 2 to 5 of the book; kept when the source is asked for them.
        mark: a column that no layout listed behind this one has.
        per_row: volume and turnover are of a row alone; else they are sums over the session so far.
        unit: shares that a volume of 1 stands for.
        trades: a row is a trade, so its turnover is price × volume where the file gives none.
        shift_ns: from the file's time to the tick's.
    """

    name: str
    columns: Mapping[str, str]
    others: re.Pattern[str]
    mark: str
    deeper: Mapping[str, str] = field(default_factory=dict)
    per_row: bool = False
    unit: int = 1
    trades: bool = False
    shift_ns: int = 0


@dataclass(frozen=True, slots=True)
class Schema:
    """The layout of one file, and what it has of it.

    Attributes:
        labels: our name -> the file's name, for the columns that the file has and that are kept.
        levels: of the book that rows get, 1 or 5.
        unique: whether a row equal to another one in every column repeats it.
    """

    layout: Layout
    labels: Mapping[str, str]
    levels: int
    unique: bool


PLAIN = Layout(
    "plain",
    {name: name for name in ("symbol", "time", *NUMBERS)},
    re.compile(r"(?!)"),
    "time",
    deeper={name: name for name in DEEPER},
)

SNAPSHOTS = Layout(
    "snapshot",
    {
        "symbol": "symbol",
        "time": "ts",
        "last": "last",
        "volume": "cum_volume",
        "turnover": "cum_turnover",
        "bid1": "bid1",
        "ask1": "ask1",
        "bid1_volume": "bid_qty1",
        "ask1_volume": "ask_qty1",
        "pre_close": "pre_close",
        "limit_up": "limit_up",
        "limit_down": "limit_down",
    },
    re.compile(r"phase|open|high|low|volume|open_interest|pre_settle|(bid|ask)(_qty)?([6-9]|10)"),
    "ts",
    deeper={name: re.sub(r"([0-9])_volume", r"_qty\1", name) for name in DEEPER},
)

TRADES = Layout(
    "trade",
    {"symbol": "symbol", "time": "ts", "last": "price", "volume": "qty", "turnover": "turnover"},
    re.compile(r"side|buy_no|sell_no"),
    "qty",
    per_row=True,
    trades=True,
)

BARS = Layout(
    "minute bar",
    {"symbol": "symbol", "time": "ts", "last": "close", "volume": "volume", "turnover": "turnover"},
    re.compile(r"open|high|low"),
    "close",
    per_row=True,
    shift_ns=-LAST_OF_MINUTE_NS,
)

TDX_TRADES = Layout(
    "TDX trade",
    {"symbol": "symbol", "time": "ts", "last": "price", "volume": "lots"},
    re.compile(r"buyorsell"),
    "buyorsell",
    per_row=True,
    unit=LOT,
    trades=True,
)

TDX_MINUTES = Layout(
    "TDX minute",
    {"symbol": "symbol", "time": "ts", "last": "price", "volume": "lots"},
    re.compile(r"(?!)"),
    "lots",
    per_row=True,
    unit=LOT,
    shift_ns=MINUTE_NS - LAST_OF_MINUTE_NS,
)

LAYOUTS = (TDX_TRADES, TDX_MINUTES, TRADES, BARS, SNAPSHOTS, PLAIN)


def detect(path: Path, header: Sequence[str], levels: int) -> Schema:
    """The layout that a file's header is of.

    Args:
        levels: of the book that rows get, 1 or 5.

    Raises:
        FeedError: a column is missing, twice there, or unknown.
    """
    layout = next((layout for layout in LAYOUTS if layout.mark in header), PLAIN)
    known = [*layout.columns.values(), *layout.deeper.values()]
    for name in header:
        if header.count(name) > 1:
            raise FeedError(f"{path}: column {name!r} is there {header.count(name)} times; each name may be there once")
        if name not in known and not layout.others.fullmatch(name):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            listed = ", ".join(layout.columns.values())
            raise FeedError(f"{path}: unknown column {name!r}; {hint}The {layout.name} layout has {listed}")
    for name in REQUIRED:
        if layout.columns[name] not in header:
            raise FeedError(
                f"{path}: column {layout.columns[name]!r} is missing; the file has {', '.join(header) or 'none'}, and "
                f"the {layout.name} layout needs {', '.join(layout.columns[needed] for needed in REQUIRED)}"
            )
    kept = {**layout.columns, **(layout.deeper if levels > 1 else {})}
    labels = {ours: theirs for ours, theirs in kept.items() if theirs in header}
    return Schema(layout, labels, levels, not layout.trades or set(header) >= ORDER_NUMBERS)
