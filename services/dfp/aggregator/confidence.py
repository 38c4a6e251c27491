"""How much confidence several signals on one symbol deserve together."""

from collections.abc import Iterable

from dfp.contracts.opportunity import Member
from dfp.contracts.signal import Signal
from dfp.market import trading_time


def half_life_ns(signal: Signal) -> int:
    """Trading time in which a signal loses half of its confidence: half of its horizon, in nanoseconds."""
    return max(1, signal.horizon_ns // 2)


def decayed(member: Member, at: int) -> float:
    """What is left of a member's confidence at event time `at`: c · 2^(−age / half-life), 0 from its expiry on.

    The age counts trading time, as the horizon does: a view of 11:29 is as good at 13:00 as it was at 11:30.
    """
    if member.expires <= at:
        return 0.0
    age = trading_time.elapsed(member.as_of, at) if at > member.as_of else 0
    return float(member.confidence * 2.0 ** (-age / member.half_life_ns))


def combined(members: Iterable[Member], at: int) -> float:
    """Combined confidence C = 1 − Π_g (1 − max_{i∈g} c_i 2^(−age_i / half-life_i)) at event time `at`, 0 to 1.

    Groups count as independent witnesses; within a group only the strongest member counts, because strategies on the
    same features err together.
    """
    strongest: dict[str, float] = {}
    for member in members:
        strongest[member.group] = max(strongest.get(member.group, 0.0), decayed(member, at))
    doubt = 1.0
    for group in sorted(strongest):  # a product of floats depends on its order
        doubt *= 1.0 - strongest[group]
    return 1.0 - doubt
