"""The life of an opportunity, told by the revisions that clients see."""

import pytest

from dfp.contracts.opportunity import CloseReason, State, opportunity_id
from opinions import MINUTE, OPEN, SECOND, SESSION, Aggregator, Down, Flat, Up, clock, signal


@pytest.fixture
def aggregator() -> Aggregator:
    return Aggregator()


def test_enough_confidence_opens_an_opportunity_that_is_being_tracked(aggregator: Aggregator) -> None:
    opener = signal(confidence=0.6, at=1, strength=70)
    (opened,) = aggregator.take(opener)
    assert opened.id == opportunity_id("600000.SH", Up, opener.id)
    assert (opened.rev, opened.state, opened.side, opened.closed) == (1, State.TRACKING, Up, None)
    assert (opened.symbol, opened.session) == ("600000.SH", SESSION)
    assert opened.confidence == pytest.approx(0.6)
    assert opened.strength == 70
    assert opened.opened == opened.as_of == opener.as_of
    assert opened.expires == opener.expires
    assert opened.reference_price == 10.5
    (member,) = opened.members
    assert (member.signal, member.confidence, member.half_life_ns) == (opener.id, 0.6, 5 * MINUTE)


def test_too_little_confidence_opens_nothing(aggregator: Aggregator) -> None:
    assert aggregator.take(signal(confidence=0.59)) == []


def test_two_groups_that_agree_open_a_confirmed_opportunity(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(signal("a", confidence=0.5), signal("b", confidence=0.5, at=1))
    assert opened.state is State.CONFIRMED
    assert [member.strategy for member in opened.members] == ["a", "b"]


def test_one_very_sure_signal_opens_a_confirmed_opportunity(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(signal(confidence=0.8))
    assert (opened.rev, opened.state) == (1, State.CONFIRMED)


def test_a_second_group_confirms_at_once(aggregator: Aggregator) -> None:
    _, confirmed = aggregator.take(signal("a"), signal("b", confidence=0.1, at=0.2))
    assert (confirmed.rev, confirmed.state) == (2, State.CONFIRMED)


def test_a_second_strategy_of_the_same_group_joins_without_confirming(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", group="g"))
    (joined,) = aggregator.take(signal("b", confidence=0.3, group="g", at=2))
    assert joined.state is State.TRACKING
    assert [member.strategy for member in joined.members] == ["a", "b"]


def test_a_confirmed_opportunity_stays_confirmed_when_the_second_group_leaves(aggregator: Aggregator) -> None:
    aggregator.take(signal("a"), signal("b", at=1))
    (revised,) = aggregator.take(signal("b", Flat, at=3))
    assert revised.state is State.CONFIRMED
    assert [member.strategy for member in revised.members] == ["a"]


def test_a_small_change_is_not_told(aggregator: Aggregator) -> None:
    aggregator.take(signal(confidence=0.7))
    assert aggregator.take(signal(confidence=0.74, at=2), clock(3)) == []


def test_a_change_of_five_points_is_told(aggregator: Aggregator) -> None:
    aggregator.take(signal(confidence=0.65))
    (revised,) = aggregator.take(signal(confidence=0.72, at=2))
    assert (revised.rev, revised.state) == (2, State.TRACKING)
    assert revised.confidence == pytest.approx(0.72)
    assert revised.as_of == OPEN + 2 * SECOND


def test_a_renewed_view_is_told_when_clients_would_believe_less(aggregator: Aggregator) -> None:
    aggregator.take(signal(confidence=0.7, horizon=600))
    (revised,) = aggregator.take(signal(confidence=0.7, at=60, horizon=600))
    assert revised.confidence == pytest.approx(0.7)  # a client had computed 0.7 · 2^(−1/5) = 0.61


def test_updates_within_a_second_are_told_together_by_the_clock(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", confidence=0.6, group="g"))
    assert aggregator.take(signal("b", confidence=0.66, group="g", at=0.3)) == []
    assert aggregator.take(signal("b", confidence=0.72, group="g", at=0.6)) == []
    (revised,) = aggregator.take(clock(1))
    assert revised.confidence == pytest.approx(0.72, abs=0.001)
    assert revised.as_of == OPEN + SECOND
    assert aggregator.take(clock(2), clock(3)) == []


def test_decay_alone_tells_nothing_until_it_ends_the_episode(aggregator: Aggregator) -> None:
    aggregator.take(signal(confidence=0.7, horizon=600))
    crossing = 242.2  # 300 s · log2(0.7 / 0.4)
    assert aggregator.take(*(clock(second) for second in range(int(crossing) + 1))) == []
    (closed,) = aggregator.take(clock(int(crossing) + 1))
    assert (closed.rev, closed.state, closed.closed) == (2, State.CLOSED, CloseReason.EXPIRED)
    assert closed.confidence < 0.4
    assert [member.strategy for member in closed.members] == ["breakout"]


def test_an_opportunity_closes_when_its_last_view_expires(aggregator: Aggregator) -> None:
    opener = signal(confidence=1.0, horizon=60)
    (opened,) = aggregator.take(opener)
    assert opened.expires == opener.expires
    (closed,) = aggregator.take(clock(61))
    assert (closed.state, closed.closed, closed.confidence) == (State.CLOSED, CloseReason.EXPIRED, 0.0)
    assert (closed.members, closed.strength, closed.expires) == ([], 0.0, opener.expires)


def test_a_flat_of_the_only_strategy_invalidates(aggregator: Aggregator) -> None:
    aggregator.take(signal())
    (closed,) = aggregator.take(signal(direction=Flat, at=0.5))
    assert (closed.rev, closed.closed) == (2, CloseReason.INVALIDATED)


def test_a_weaker_restatement_invalidates_too(aggregator: Aggregator) -> None:
    aggregator.take(signal(confidence=0.7))
    (closed,) = aggregator.take(signal(confidence=0.2, at=5))
    assert closed.closed is CloseReason.INVALIDATED


def test_a_flat_of_one_strategy_leaves_the_view_of_another(aggregator: Aggregator) -> None:
    aggregator.take(signal("a"), signal("b", at=1))
    assert all(revision.state is not State.CLOSED for revision in aggregator.take(signal("b", Flat, at=3)))


def test_a_signal_for_the_other_side_flips_close_first_then_open(aggregator: Aggregator) -> None:
    aggregator.take(signal(direction=Up))
    flip = signal(direction=Down, at=4)
    closed, opened = aggregator.take(flip)
    assert (closed.side, closed.state, closed.closed) == (Up, State.CLOSED, CloseReason.INVALIDATED)
    assert (opened.side, opened.rev, opened.id) == (Down, 1, opportunity_id("600000.SH", Down, flip.id))


def test_sides_that_are_too_close_are_both_unpublished(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up, 0.7))
    (closed,) = aggregator.take(signal("b", Down, 0.65, at=1))
    assert (closed.side, closed.closed) == (Up, CloseReason.INVALIDATED)
    assert aggregator.take(signal("c", Down, 0.1, at=2, group="b")) == []


def test_a_side_that_leads_by_enough_survives_the_other(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up, 0.7))
    assert aggregator.take(signal("b", Down, 0.5, at=1)) == []


def test_when_the_other_side_withdraws_the_waiting_side_opens(aggregator: Aggregator) -> None:
    assert len(aggregator.take(signal("a", Up, 0.7), signal("b", Down, 0.7, at=1))) == 2
    withdrawal = signal("b", Flat, at=2)
    (opened,) = aggregator.take(withdrawal)
    assert (opened.side, opened.rev, opened.id) == (Up, 1, opportunity_id("600000.SH", Up, withdrawal.id))


def test_the_clock_never_opens_an_opportunity(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up, 0.9, horizon=3600), signal("b", Down, 0.9, at=0.1, horizon=5))
    assert aggregator.take(clock(5), clock(6), clock(7)) == []


def test_a_side_overtaken_by_decay_is_closed(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up, 0.7, horizon=600), signal("b", Down, 0.5, at=1, horizon=7200))
    (closed,) = aggregator.take(*(clock(second) for second in range(1, 100)))
    assert closed.closed is CloseReason.INVALIDATED
    assert closed.confidence > 0.4


def test_the_end_of_the_session_closes_everything(aggregator: Aggregator) -> None:
    aggregator.take(signal(symbol="600000.SH"), signal(symbol="000001.SZ", at=1))
    closed = aggregator.take(clock(2, end=True))
    assert [revision.symbol for revision in closed] == ["000001.SZ", "600000.SH"]
    assert {revision.closed for revision in closed} == {CloseReason.SESSION_END}
    assert aggregator.take(clock(3, end=True)) == []


def test_strength_is_the_mean_weighted_by_confidence(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(
        signal("a", confidence=0.5, strength=80), signal("b", confidence=0.25, strength=20, at=0.0)
    )
    assert opened.strength == pytest.approx((0.5 * 80 + 0.25 * 20) / 0.75)
