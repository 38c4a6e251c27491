"""The life of an opportunity: when it opens, is confirmed, changes enough to tell, and closes.

An episode is stored as the last revision that was published. Everything is decided from that revision and from the
views that stand now, so nothing else has to be remembered.

Decay is not news: clients compute it from each member's as-of and half-life. A change is therefore measured against
what a client computes now from the last revision, and decay alone shows no change until it ends the episode.
"""

import math
from dataclasses import dataclass

import msgspec

from dfp.aggregator.confidence import combined, decayed
from dfp.aggregator.views import Views
from dfp.contracts.opportunity import CloseReason, Member, Opportunity, State, opportunity_id
from dfp.contracts.signal import Direction, Signal

OPEN_AT = 0.6
CLOSE_BELOW = 0.4
CONFIRM_AT = 0.8
LEAD = 0.1
"""A side must lead the other by more than this; closer than that the strategies disagree and neither is published."""

CHANGE = 0.05
UPDATE_INTERVAL_NS = 1_000_000_000
"""Event time between two updates of one opportunity at least. Transitions are told at once: there are three at most."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a symbol at one event time."""

    members: list[Member]
    confidence: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Both sides of a symbol at event time `at`."""

    at: int
    up: Side
    down: Side

    def sides(self, direction: Direction) -> tuple[Side, Side]:
        """(the side of `direction`, the other one)."""
        return (self.up, self.down) if direction is Direction.UP else (self.down, self.up)


def standing(views: Views, at: int) -> Standing:
    """How both sides stand at event time `at`; the views must be unexpired."""
    up, down = views.members(Direction.UP), views.members(Direction.DOWN)
    return Standing(at, Side(up, combined(up, at)), Side(down, combined(down, at)))


def open_episode(now: Standing, trigger: Signal) -> Opportunity | None:
    """The first revision of a new opportunity, if a side deserves one.

    Only a signal opens an episode (its id names it); what merely decays or expires never does. An episode that opens
    with enough confidence is confirmed from its first revision.
    """
    for direction in (Direction.UP, Direction.DOWN):
        side, other = now.sides(direction)
        if side.confidence >= OPEN_AT and _leads(side, other):
            return Opportunity(
                id=opportunity_id(trigger.symbol, direction, trigger.id),
                rev=1,
                symbol=trigger.symbol,
                session=trigger.session,
                side=direction,
                state=State.CONFIRMED if _confirms(side) else State.TRACKING,
                confidence=side.confidence,
                strength=_strength(side.members, now.at),
                opened=now.at,
                as_of=now.at,
                expires=max(member.expires for member in side.members),
                reference_price=trigger.reference_price,
                members=side.members,
            )
    return None


def advance(live: Opportunity, now: Standing) -> Opportunity | None:
    """The next revision of a live opportunity, if there is something to tell.

    Args:
        live: the last revision, not closed.
        now: at or after the as-of of `live`.
    """
    side, other = now.sides(live.side)
    if side.confidence < CLOSE_BELOW:
        by_time_alone = combined(live.members, now.at) < CLOSE_BELOW
        return close(live, now, CloseReason.EXPIRED if by_time_alone else CloseReason.INVALIDATED)
    if not _leads(side, other):
        return close(live, now, CloseReason.INVALIDATED)
    if live.state is State.TRACKING and _confirms(side):
        return _revise(live, now, State.CONFIRMED)
    if now.at - live.as_of >= UPDATE_INTERVAL_NS and _has_changed(live, side, now.at):
        return _revise(live, now, live.state)
    return None


def close(live: Opportunity, now: Standing, reason: CloseReason) -> Opportunity:
    """The last revision of an opportunity. Its members are those that still stand, often none."""
    return _revise(live, now, State.CLOSED, reason)


def next_check(live: Opportunity, now: Standing) -> int:
    """Event time before which time alone cannot change anything for `live`, short of the expiry of a view.

    With the views that were published, only decay can close it. 1 − Π(1 − f·x) is concave in f, so confidence falls
    no faster than its fastest member: C(t) ≥ C · 2^(−t / shortest half-life). With other views an update may be due,
    at the next clock entry.
    """
    side, other = now.sides(live.side)
    if _signals(side.members, now.at) != _signals(live.members, now.at):
        return now.at
    floor = max(CLOSE_BELOW, other.confidence + LEAD)
    shortest = min(member.half_life_ns for member in side.members)
    return now.at + max(0, int(shortest * math.log2(side.confidence / floor)) - 1)


def _leads(side: Side, other: Side) -> bool:
    return side.confidence - other.confidence > LEAD


def _confirms(side: Side) -> bool:
    return side.confidence >= CONFIRM_AT or len({member.group for member in side.members}) > 1


def _has_changed(live: Opportunity, side: Side, at: int) -> bool:
    told = {member.strategy for member in live.members}
    if any(member.strategy not in told for member in side.members):
        return True
    return abs(side.confidence - combined(live.members, at)) >= CHANGE


def _signals(members: list[Member], at: int) -> list[str]:
    return [member.signal for member in members if member.expires > at]


def _revise(live: Opportunity, now: Standing, state: State, reason: CloseReason | None = None) -> Opportunity:
    side, _ = now.sides(live.side)
    return msgspec.structs.replace(
        live,
        rev=live.rev + 1,
        state=state,
        confidence=side.confidence,
        strength=_strength(side.members, now.at),
        as_of=now.at,
        expires=max((member.expires for member in side.members), default=live.expires),
        members=side.members,
        closed=reason,
    )


def _strength(members: list[Member], at: int) -> float:
    """Mean strength, weighted by what is left of each member's confidence; 0 to 100."""
    weights = [decayed(member, at) for member in members]
    total = sum(weights)
    if total == 0.0:
        return 0.0
    weighted = 0.0
    for member, weight in zip(members, weights, strict=True):
        weighted += member.strength * weight
    return min(100.0, weighted / total)
