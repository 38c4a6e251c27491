"""Concentration: how unevenly the active opportunities are spread, with a candidate among them.

The weight of an opportunity is w_i = c_i · s_i / Σ c · s, confidence times strength as its last revision says. The
Herfindahl index is Σ w_i² (Hirschman 1964).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import Concentration, Measure

SectorOf = Callable[[str, int], str | None]
"""(symbol, session) -> name of its sector, None when it is unknown."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One measure.

    Attributes:
        value: of the active opportunities and the candidate; None when the candidate's sector is unknown.
        raised: whether the candidate adds to what is above the threshold: only then it is to blame.
    """

    value: float | None
    raised: bool


def spread(
    check: Concentration, candidate: Opportunity, active: Sequence[Opportunity], sector_of: SectorOf
) -> Spread | None:
    """What a rule measures with the candidate among the active; None with fewer than `min_active` of them all."""
    if len(active) + 1 < check.min_active:
        return None
    every = [*active, candidate]
    amounts = _amounts(every)
    total = math.fsum(amounts)
    if not total:
        return Spread(0.0, raised=False)
    if check.measure is Measure.LARGEST_SHARE:
        return Spread(max(amounts) / total, amounts[-1] / total > check.threshold)
    if check.measure is Measure.HERFINDAHL:
        after, before = _herfindahl(amounts), _herfindahl(_amounts(active))
        return Spread(after, after > check.threshold and after > before)
    return _largest_sector(check, every, amounts, total, sector_of)


def _largest_sector(
    check: Concentration, every: Sequence[Opportunity], amounts: Sequence[float], total: float, sector_of: SectorOf
) -> Spread:
    """An active opportunity of unknown sector may be of the candidate's, and counts as such."""
    sectors = [sector_of(one.symbol, one.session) for one in every]
    own = sectors[-1]
    if own is None:
        return Spread(None, raised=True)
    members: dict[str, list[float]] = {}
    for sector, amount in zip(sectors, amounts, strict=True):
        members.setdefault(own if sector is None else sector, []).append(amount)
    shares = {sector: math.fsum(members[sector]) / total for sector in members}
    return Spread(max(shares.values()), shares[own] > check.threshold)


def _amounts(opportunities: Sequence[Opportunity]) -> list[float]:
    return [one.confidence * one.strength for one in opportunities]


def _herfindahl(amounts: Sequence[float]) -> float:
    total = math.fsum(amounts)
    return math.fsum(amount * amount for amount in amounts) / (total * total) if total else 0.0
