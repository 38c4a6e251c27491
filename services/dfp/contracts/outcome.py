"""Outcomes: what would have become of somebody who had followed an opportunity."""

import enum

from dfp.contracts.codec import Document
from dfp.contracts.opportunity import CloseReason
from dfp.contracts.signal import Direction


class Tradable(enum.StrEnum):
    """Whether the opportunity could be entered when it was published."""

    YES = "Yes"
    LOCKED = "Locked"
    """At its price limit, with nobody on the other side."""
    NO_QUOTE = "NoQuote"


class Outcome(Document, frozen=True):
    """Written once, when the opportunity is closed and the horizon of its opening signal is over (or the session is).

    Returns are fractions of the entry price in the direction of `side`, after `cost`; None without an entry.

    Attributes:
        entry: yuan: the first ask (Up) or bid (Down) at or after the opening; None if it was closed before.
        exit: yuan: last price until the horizon's end, or of the session's continuous trading.
        return_at_close: at the last price before the opportunity's close.
        mfe, mae: maximum favourable and adverse excursion until the horizon's end.
        cost: fraction of the entry price for both ways.
        strategies: members of the first revision, by name.
    """

    id: str
    symbol: str
    session: int
    side: Direction
    confidence: float
    strategies: list[str]
    opened: int
    closed: CloseReason
    horizon_end: int
    tradable: Tradable
    entry: float | None
    exit: float | None
    return_at_horizon: float | None
    return_at_close: float | None
    mfe: float | None
    mae: float | None
    cost: float
