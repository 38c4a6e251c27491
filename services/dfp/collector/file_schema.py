"""Which columns of a file are which of ours; a file that does not fit is refused with the column that is wrong.

Two layouts are known. *Plain* is ours and documented (docs/data.md). *Snapshot* is what the archives of exchange
snapshots and futures ticks in circulation use; only level 1 of it is kept, but repeated rows are recognised by all
columns, because a row may differ from the one before in its tenth level only.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfp.collector.feed import PRICES, QUANTITIES, FeedError

REQUIRED = ("symbol", "time", "last")
NUMBERS = (*PRICES, *QUANTITIES)


@dataclass(frozen=True, slots=True)
class Layout:
    """A file layout.

    Attributes:
        columns: our name -> the file's name.
        others: pattern of columns that belong to the layout and are not kept.
    """

    name: str
    columns: Mapping[str, str]
    others: re.Pattern[str]


PLAIN = Layout("plain", {name: name for name in ("symbol", "time", *NUMBERS)}, re.compile(r"(?!)"))

SNAPSHOT = Layout(
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
    re.compile(r"phase|open|high|low|volume|open_interest|pre_settle|(bid|ask)(_qty)?([2-9]|10)"),
)


def detect(path: Path, header: Sequence[str]) -> dict[str, str]:
    """Our name -> the file's name, for the columns that the file has.

    Raises:
        FeedError: a column is missing, twice there, or unknown.
    """
    layout = SNAPSHOT if SNAPSHOT.columns["time"] in header else PLAIN
    known = list(layout.columns.values())
    for name in header:
        if header.count(name) > 1:
            raise FeedError(f"{path}: column {name!r} is there {header.count(name)} times; each name may be there once")
        if name not in known and not layout.others.fullmatch(name):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise FeedError(f"{path}: unknown column {name!r}; {hint}The {layout.name} layout has {', '.join(known)}")
    for name in REQUIRED:
        if layout.columns[name] not in header:
            raise FeedError(
                f"{path}: column {layout.columns[name]!r} is missing; the file has {', '.join(header) or 'none'}, and "
                f"the {layout.name} layout needs {', '.join(layout.columns[needed] for needed in REQUIRED)}"
            )
    return {ours: theirs for ours, theirs in layout.columns.items() if theirs in header}
