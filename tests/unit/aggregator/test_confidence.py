"""Combined confidence: independent groups add up, members of one group do not, and time takes half each half-life."""

import pytest

from dfp.aggregator.confidence import combined, decayed, half_life_ns
from dfp.aggregator.views import Views
from dfp.contracts.opportunity import Member
from dfp.contracts.signal import Direction, Signal
from opinions import MINUTE, OPEN, SECOND, signal


def members(*signals: Signal) -> list[Member]:
    return Views(signals).members(Direction.UP)


def test_the_half_life_is_half_of_the_horizon_and_never_zero() -> None:
    assert half_life_ns(signal(horizon=600)) == 5 * MINUTE
    assert half_life_ns(signal(horizon=1e-9)) == 1


def test_a_member_loses_half_of_its_confidence_in_each_half_life() -> None:
    (member,) = members(signal(confidence=0.8, horizon=600))
    assert decayed(member, OPEN) == 0.8
    assert decayed(member, OPEN + 5 * MINUTE) == pytest.approx(0.4)
    assert decayed(member, OPEN + 10 * MINUTE - 1) == pytest.approx(0.2)


def test_a_member_counts_for_nothing_from_its_expiry_on() -> None:
    (member,) = members(signal(horizon=600))
    assert decayed(member, OPEN + 10 * MINUTE) == 0.0


def test_a_member_from_the_future_has_not_begun_to_decay() -> None:
    (member,) = members(signal(confidence=0.7, at=5))
    assert decayed(member, OPEN) == 0.7


def test_the_lunch_break_does_not_age_a_view() -> None:
    before_lunch = 2 * 3600 - 60
    (member,) = members(signal(confidence=0.8, at=before_lunch, horizon=7200))
    one_minute_into_the_afternoon = OPEN + (3 * 3600 + 30 * 60 + 60) * SECOND
    assert decayed(member, one_minute_into_the_afternoon) == pytest.approx(0.8 * 2 ** (-2 / 60))


def test_groups_count_as_independent_witnesses() -> None:
    both = members(signal("a", confidence=0.5), signal("b", confidence=0.6))
    assert combined(both, OPEN) == pytest.approx(1 - 0.5 * 0.4)


def test_of_one_group_only_the_strongest_member_counts() -> None:
    alike = members(signal("a", confidence=0.5, group="g"), signal("b", confidence=0.6, group="g"))
    assert combined(alike, OPEN) == pytest.approx(0.6)


def test_the_strongest_member_is_judged_after_decay() -> None:
    quick = signal("a", confidence=0.8, group="g", horizon=60)
    steady = signal("b", confidence=0.6, group="g", horizon=3600)
    assert combined(members(quick, steady), OPEN + 50 * SECOND) == pytest.approx(0.6 * 2 ** (-50 / 1800))


def test_nobody_has_no_confidence() -> None:
    assert combined([], OPEN) == 0.0


@pytest.mark.parametrize("confidence", [0.4, 0.6, 0.8])
def test_a_lone_signal_on_a_threshold_is_on_it_exactly(confidence: float) -> None:
    assert combined(members(signal(confidence=confidence)), OPEN) >= confidence
