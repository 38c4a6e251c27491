"""Hand-computed vectors of concentration: weights of active opportunities, then the candidate's. min_active is 5."""

import pytest

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import Action, Bundle, Measure, bundle
from dfp.contracts.risk import RiskStatus
from dfp.risk.gate import Effects, Gate
from feature_log import moment
from risk_cases import MINUTE, bundle_of, concentration, opportunity, policy

SHARE, HERFINDAHL, SECTOR = Measure.LARGEST_SHARE, Measure.HERFINDAHL, Measure.LARGEST_SECTOR

BANKS = {f"60000{number}.SH": "banks" for number in range(10)}
SECTORS = BANKS | {f"30000{number}.SZ": "tech" for number in range(10)}
UNKNOWN = [f"00000{number}.SZ" for number in range(10)]
BANK, TECH = list(BANKS), [symbol for symbol, sector in SECTORS.items() if sector == "tech"]


def sector_of(symbol: str, session: int) -> str | None:
    return SECTORS.get(symbol)


def spread_over(symbols: list[str], weights: list[float]) -> list[Opportunity]:
    return [opportunity(symbol, weight=weight) for symbol, weight in zip(symbols, weights, strict=True)]


def passes(policies: Bundle, active: list[Opportunity], candidate: Opportunity) -> bool:
    gate = Gate(policies, sector_of)
    return gate.judge(candidate, active, moment("10:00:00"), fresh=True, effects=Effects()).publish


VECTORS: dict[str, tuple[Measure, float, list[Opportunity], Opportunity, bool]] = {
    # 70 / (70 + 30 + 30 + 30) = 44 % > 30 %, but four of five needed are there: not judged.
    "fewer than min_active are not judged": (
        SHARE, 0.3, spread_over(BANK[:3], [30, 30, 30]), opportunity(TECH[0], weight=70), True,
    ),
    # 70 / 190 = 36.8 %, with the candidate as the fifth.
    "the candidate counts as active": (
        SHARE, 0.3, spread_over(BANK[:4], [30, 30, 30, 30]), opportunity(TECH[0], weight=70), False,
    ),
    # 30 / 100 = 30 %, not above 30 %: equality is no breach of a concentration.
    "equality is none": (SHARE, 0.3, spread_over(BANK[:4], [20, 20, 20, 10]), opportunity(TECH[0], weight=30), True),
    # 31 / 101 = 30.69 %.
    "above it is one": (SHARE, 0.3, spread_over(BANK[:4], [20, 20, 20, 10]), opportunity(TECH[0], weight=31), False),
    # 60 / 130 = 46 % is the first's; the candidate has 10 / 130 and makes it smaller (60 / 120 = 50 % before).
    "a candidate that lowers the share passes": (
        SHARE, 0.3, spread_over(BANK[:4], [60, 20, 20, 20]), opportunity(TECH[0], weight=10), True,
    ),
    # Five of 20: 20 / 100 each.
    "an even spread passes": (SHARE, 0.3, spread_over(BANK[:4], [20] * 4), opportunity(TECH[0], weight=20), True),
    # Nobody has any weight: there is no share.
    "without weight there is no share": (
        SHARE, 0.3, spread_over(BANK[:4], [0] * 4), opportunity(TECH[0], weight=0), True,
    ),
    # (40² + 15² + 15² + 15² + 15²) / 100² = 0.16 + 4 · 0.0225 = 0.25: equality.
    "herfindahl at the threshold": (
        HERFINDAHL, 0.25, spread_over(BANK[:4], [15] * 4), opportunity(TECH[0], weight=40), True,
    ),
    # (50² + 4 · 12.5²) / 100² = 0.25 + 0.0625 = 0.3125; before: 4 · 0.25² = 0.25.
    "herfindahl above": (HERFINDAHL, 0.25, spread_over(BANK[:4], [12.5] * 4), opportunity(TECH[0], weight=50), False),
    # Before (70² + 3 · 10²) / 100² = 0.52; with 10 more (4900 + 4 · 100) / 110² = 0.438: above, but lowered.
    "herfindahl that is lowered passes": (
        HERFINDAHL, 0.25, spread_over(BANK[:4], [70, 10, 10, 10]), opportunity(TECH[0], weight=10), True,
    ),
    # Banks 20 + 20 of 100 = 40 %: equality.
    "a sector at the threshold": (
        SECTOR, 0.4, spread_over([BANK[0], *TECH[:3]], [20] * 4), opportunity(BANK[1], weight=20), True,
    ),
    # Banks 3 · 20 of 100 = 60 %.
    "a sector above": (
        SECTOR, 0.4, spread_over([*BANK[:2], *TECH[:2]], [20] * 4), opportunity(BANK[2], weight=20), False,
    ),
    # All five banks: 100 % before and after. It cannot rise, but the candidate adds to it.
    "a sector that is everything": (
        SECTOR, 0.4, spread_over(BANK[:4], [20] * 4), opportunity(BANK[4], weight=20), False,
    ),
    # Banks 80 / 100 = 80 % with the candidate in another sector, which has 20 %.
    "another sector passes": (SECTOR, 0.4, spread_over(BANK[:4], [20] * 4), opportunity(TECH[0], weight=20), True),
    # The candidate's sector is unknown: it may be any.
    "an unknown sector is a breach": (
        SECTOR, 0.4, spread_over([*BANK[:2], *TECH[:2]], [20] * 4), opportunity(UNKNOWN[0], weight=1), False,
    ),
    # Two of unknown sector may be banks: (20 + 20 + 20) / 100 = 60 %.
    "unknown ones count to the candidate's sector": (
        SECTOR, 0.4, spread_over([*UNKNOWN[:2], *TECH[:2]], [20] * 4), opportunity(BANK[0], weight=20), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    measure, threshold, active, candidate, expected = VECTORS[name]
    assert passes(bundle_of(concentration(threshold, measure)), active, candidate) is expected


BREACH = (spread_over(BANK[:4], [30] * 4), opportunity(TECH[0], weight=70))
"""70 / 190 = 36.8 %."""


@pytest.mark.parametrize(("action", "enforce"), [(Action.ALERT, True), (Action.BLOCK, False), (Action.HALT, False)])
def test_what_only_alerts_or_observes_publishes(action: Action, enforce: bool) -> None:
    gate = Gate(bundle_of(concentration(action=action), enforce=enforce), sector_of)
    effects = Effects()
    ruling = gate.judge(BREACH[1], BREACH[0], moment("10:00:00"), fresh=False, effects=effects)
    assert (ruling.publish, ruling.status) == (True, RiskStatus.VERIFIED)
    (told,) = effects.alerts
    assert (told.rule, told.target, told.value) == ("house/concentration", "pipeline", 70 / 190)
    assert effects.halts == {}


def test_an_unknown_sector_is_nothing_to_a_rule_that_alerts() -> None:
    gate = Gate(bundle_of(concentration(0.4, SECTOR, action=Action.ALERT)), sector_of)
    effects = Effects()
    active = spread_over(BANK[:4], [20] * 4)
    assert gate.judge(opportunity(UNKNOWN[0]), active, moment("10:00:00"), fresh=True, effects=effects).publish
    assert effects.alerts == []


def test_a_halt_stops_the_pipeline_and_the_candidate_with_it() -> None:
    gate = Gate(bundle_of(concentration(action=Action.HALT)), sector_of)
    effects = Effects()
    ruling = gate.judge(BREACH[1], BREACH[0], moment("10:00:00"), fresh=True, effects=effects)
    assert not ruling.publish
    assert effects.halts["pipeline"].cause == "house/concentration"
    assert effects.halts["pipeline"].since == moment("10:00:00")


def test_a_breach_is_told_once_until_it_was_quiet_for_a_minute() -> None:
    gate = Gate(bundle_of(concentration()), sector_of)
    told = []
    for text in ("10:00:00", "10:00:59", "10:01:58", "10:02:58"):
        effects = Effects()
        gate.judge(BREACH[1], BREACH[0], moment(text), fresh=True, effects=effects)
        told.append(len(effects.alerts))
    assert told == [1, 0, 0, 1]


def test_a_hold_keeps_all_candidates_back_until_it_is_over() -> None:
    gate = Gate(bundle_of(concentration(hold=15 * MINUTE)), sector_of)
    even = opportunity(TECH[0], weight=30)
    for candidate, text, expected in [
        (even, "11:19:00", True),
        (BREACH[1], "11:20:00", False),
        (even, "11:29:00", False),
        (even, "13:04:59", False),  # ten minutes before lunch, not yet five behind it
        (even, "13:05:00", True),
    ]:
        ruling = gate.judge(candidate, BREACH[0], moment(text), fresh=True, effects=Effects())
        assert ruling.publish is expected, text


def test_a_policy_binds_only_what_its_strategies_stand_behind() -> None:
    gate = Gate(bundle_of(concentration(), strategies=["momentum"]), sector_of)
    candidate = opportunity(TECH[0], "breakout", weight=70)
    free = gate.judge(candidate, BREACH[0], moment("10:00:00"), fresh=True, effects=Effects())
    assert (free.publish, free.status) == (True, RiskStatus.UNCHECKED)
    both = opportunity(TECH[0], "breakout", "momentum", weight=70)
    assert not gate.judge(both, BREACH[0], moment("10:00:00"), fresh=True, effects=Effects()).publish


def test_of_two_policies_the_stricter_wins() -> None:
    mild = policy(concentration(action=Action.ALERT), name="a-mild")
    strict = policy(concentration(), name="strict")
    ruling = Gate(bundle([mild, strict]), sector_of).judge(
        BREACH[1], BREACH[0], moment("10:00:00"), fresh=True, effects=Effects()
    )
    assert (ruling.publish, ruling.reason) == (False, "strict/concentration")
