"""Signals: what a strategy says about one symbol."""

import enum
import hashlib
from typing import Annotated, TypeAlias

from msgspec import Meta

from dfp.contracts.codec import Document

Fraction: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Strength: TypeAlias = Annotated[float, Meta(ge=0, le=100)]


class Direction(enum.StrEnum):
    """`Down` means "reduce or avoid": most A-shares cannot be sold short. `Flat` ends the strategy's own view."""

    UP = "Up"
    DOWN = "Down"
    FLAT = "Flat"


class Signal(Document, frozen=True):
    """One statement of one strategy. Its bytes are a function of the log alone (no wall clock, no sequence number).

    Attributes:
        id: see `signal_id`.
        strategy, revision: who said it; the revision hashes all that changes output.
        group: signals of one group are not independent, the aggregator counts the strongest of them only.
        symbol, session, n: the tick that triggered it; n = 0 when a clock entry did.
        as_of: event time of the trigger, UTC nanoseconds.
        expires: event time from which it no longer counts.
        horizon_ns: how far ahead it looks, in trading time.
        reference_price: last price at the trigger in yuan, None when there was none.
    """

    id: str
    strategy: str
    revision: str
    group: str
    symbol: str
    session: int
    n: int
    direction: Direction
    confidence: Fraction
    strength: Strength
    as_of: int
    expires: int
    horizon_ns: int
    reference_price: float | None
    reason: Annotated[str, Meta(max_length=500)]


def signal_id(strategy: str, revision: str, symbol: str, session: int, trigger: int, ordinal: int) -> str:
    """H(strategy, revision, symbol, session, trigger, ordinal): the same however ticks were framed.

    Args:
        trigger: the tick's n, or the event second of a clock entry.
        ordinal: position among the signals of the same trigger, from 0.
    """
    text = "\0".join((strategy, revision, symbol, str(session), str(trigger), str(ordinal)))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
