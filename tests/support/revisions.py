"""Revisions of opportunities as they lie in the stream; shared by the tests of the doors."""

from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.opportunity import CloseReason, Member, Opportunity, State
from dfp.contracts.signal import Direction

OPENED = 1_654_047_000_000_000_000


def revision(
    identifier: str = "one",
    rev: int = 1,
    *,
    symbol: str = "600000.SH",
    side: Direction = Direction.UP,
    state: State = State.TRACKING,
    confidence: float = 0.7,
    reason: str = "above its range",
) -> Opportunity:
    """One revision of an opportunity."""
    as_of = OPENED + rev * 1_000_000_000
    member = Member(
        strategy="breakout",
        group="breakout",
        signal="s",
        confidence=confidence,
        strength=60.0,
        as_of=as_of,
        expires=as_of + 600_000_000_000,
        half_life_ns=300_000_000_000,
        reason=reason,
    )
    return Opportunity(
        id=identifier,
        rev=rev,
        symbol=symbol,
        session=20220601,
        side=side,
        state=state,
        confidence=confidence,
        strength=60.0,
        opened=OPENED,
        as_of=as_of,
        expires=member.expires,
        reference_price=10.5,
        members=[] if state is State.CLOSED else [member],
        closed=CloseReason.EXPIRED if state is State.CLOSED else None,
    )


def entry(seq: int, opportunity: Opportunity) -> Entry:
    """The stream entry that carries a revision."""
    return Entry(seq, Kind.OPPORTUNITY, codec.encode(opportunity), Meta(hops={"opportunity": seq}))
