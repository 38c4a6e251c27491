"""A filter lets through what was asked for, and the one revision by which an opportunity leaves it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import State
from dfp.contracts.signal import Direction
from dfp.streamer import filters
from dfp.streamer.filters import EVERYTHING, Change, make, traits
from revisions import revision

revisions = st.builds(
    revision,
    symbol=st.sampled_from(["600000.SH", "000001.SZ"]),
    side=st.sampled_from(Direction),
    state=st.sampled_from(State),
    confidence=st.sampled_from([0.2, 0.5, 0.9]),
)


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        ({}, True),
        ({"symbols": ["600000.sh", "000001.SZ"]}, True),
        ({"symbols": ["000001.SZ"]}, False),
        ({"symbols": ["999999.SH"]}, False),
        ({"strategies": ["breakout", "other"]}, True),
        ({"strategies": ["other"]}, False),
        ({"sides": ["Up"]}, True),
        ({"sides": ["Down"]}, False),
        ({"states": ["Tracking", "Closed"]}, True),
        ({"states": ["Confirmed"]}, False),
        ({"min_confidence": 0.7}, True),
        ({"min_confidence": 0.71}, False),
        ({"symbols": ["600000.SH"], "sides": ["Down"]}, False),
    ],
)
def test_all_restrictions_hold_together(asked: dict[str, Any], passes: bool) -> None:
    assert make(**asked).passes(traits(revision())) is passes


@pytest.mark.parametrize(
    ("asked", "field", "allowed"),
    [
        ({"symbols": ["600000"]}, "symbols", "six digits"),
        ({"symbols": []}, "symbols", "at least one"),
        ({"symbols": [f"{n:06}.SH" for n in range(10_001)]}, "symbols", "at most 10000"),
        ({"strategies": []}, "strategies", "1 to 100"),
        ({"strategies": ["x" * 101]}, "strategies", "1 to 100 characters"),
        ({"strategies": [str(n) for n in range(101)]}, "strategies", "1 to 100"),
        ({"sides": ["up"]}, "sides", "Up, Down"),
        ({"states": ["Open"]}, "states", "Tracking, Confirmed, Closed"),
        ({"states": []}, "states", "without the field"),
        ({"min_confidence": 1.1}, "min_confidence", "0 to 1"),
        ({"min_confidence": float("nan")}, "min_confidence", "0 to 1"),
    ],
)
def test_a_wrong_filter_is_refused_with_field_value_and_what_is_allowed(
    asked: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(ContractError) as refused:
        make(**asked)
    assert refused.value.field == field
    assert allowed in refused.value.allowed


def test_equal_filters_are_one_whatever_the_order() -> None:
    one = make(symbols=["600000.SH", "000001.sz"], sides=["Up", "Down"], states=["Closed", "Tracking"])
    assert one == make(symbols=["000001.SZ", "600000.SH"], sides=["Down", "Up"], states=["Tracking", "Closed"])
    assert len({one, make(symbols=["000001.SZ", "600000.SH"]), EVERYTHING, make()}) == 3


@given(lives := st.lists(revisions, min_size=1, max_size=8), st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from(State))
def test_a_client_that_follows_its_messages_has_exactly_what_passes(
    life: list[Any], min_confidence: float, state: State
) -> None:
    """The symbol and the side of an opportunity never change; what a client is told keeps its view right."""
    wanted = make(min_confidence=min_confidence, states=[state])
    view, before, told_of_what_does_not_pass = None, None, 0
    for rev, made in enumerate(life, 1):
        now = traits(revision(symbol="600000.SH", state=made.state, confidence=made.confidence))
        if wanted.tells(Change(now, before, first=rev == 1)):
            told_of_what_does_not_pass += not wanted.passes(now)
            assert wanted.passes(now) or view is not None
            view = now if wanted.passes(now) else None
        assert view == (now if wanted.passes(now) else None)
        before = now


def test_a_filter_that_restricts_nothing_says_so() -> None:
    assert not EVERYTHING.restricts
    assert not make(alerts=True).restricts
    assert make(min_confidence=0.1).restricts


def test_what_left_before_anyone_remembers_is_told_rather_than_kept_back() -> None:
    wanted = make(min_confidence=0.9, symbols=["600000.SH"])
    assert wanted.tells(Change(traits(revision(rev=4)), None, first=False))
    assert not wanted.tells(Change(traits(revision()), None, first=True))
    assert not wanted.tells(Change(traits(revision(symbol="000001.SZ", rev=4)), None, first=False))


def test_a_closed_opportunity_leaves_a_filter_of_strategies() -> None:
    wanted = make(strategies=["breakout"])
    closed = traits(revision(state=State.CLOSED))
    assert wanted.tells(Change(closed, traits(revision()), first=False))
    assert not wanted.tells(Change(closed, closed, first=False))


def test_the_largest_subscription_fits_what_may_be_asked() -> None:
    asked = make(symbols=[f"{n:06}.SZ" for n in range(filters.MOST_SYMBOLS)])
    assert asked.passes(traits(revision(symbol="009999.SZ")))
