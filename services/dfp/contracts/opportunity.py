"""Opportunities: what the aggregator publishes from the signals of all strategies on one symbol."""

import enum
import hashlib
from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document
from dfp.contracts.risk import RiskStatus
from dfp.contracts.signal import Direction, Fraction, Strength


class State(enum.StrEnum):
    """Life of an opportunity: TRACKING -> CONFIRMED -> CLOSED, or straight to CLOSED."""

    TRACKING = "Tracking"
    CONFIRMED = "Confirmed"
    CLOSED = "Closed"


class CloseReason(enum.StrEnum):
    """Why an opportunity was closed."""

    EXPIRED = "Expired"
    INVALIDATED = "Invalidated"
    HALTED = "Halted"
    SESSION_END = "SessionEnd"


class Member(Document, frozen=True):
    """A signal that stands behind an opportunity, as it counted at the revision's as-of."""

    strategy: str
    group: str
    signal: str
    confidence: Fraction
    strength: Strength
    as_of: int
    expires: int
    half_life_ns: int
    reason: str


class Opportunity(Document, frozen=True):
    """One revision of an opportunity: a maximal episode per (symbol, side) with enough combined confidence.

    Clients drop a revision that is not larger than the one they have. Decay between revisions is not published: a
    client computes it from each member's as-of and half-life.

    Attributes:
        id: see `opportunity_id`.
        rev: 1, 2, 3 … with each emission.
        side: Up or Down.
        confidence: combined confidence at `as_of`, 0 to 1.
        opened, as_of, expires: event times, UTC nanoseconds.
        reference_price: last price in yuan at the opening signal, None when there was none.
        closed: why, when the state is Closed.
        risk: under which risk knowledge it was published; the entry's input cursor names the verdicts.
    """

    id: str
    rev: Annotated[int, Meta(ge=1)]
    symbol: str
    session: int
    side: Direction
    state: State
    confidence: Fraction
    strength: Strength
    opened: int
    as_of: int
    expires: int
    reference_price: float | None
    members: list[Member]
    closed: CloseReason | None = None
    risk: RiskStatus = RiskStatus.UNCHECKED


def opportunity_id(symbol: str, side: Direction, opening_signal: str) -> str:
    """H(symbol, side, opening signal id)."""
    return hashlib.sha256(f"{symbol}\0{side}\0{opening_signal}".encode()).hexdigest()[:24]
