"""The views on one symbol are the latest unexpired signal of each strategy."""

from dfp.aggregator.views import Views
from opinions import OPEN, SECOND, Down, Flat, Up, signal


def test_a_strategys_later_signal_replaces_its_earlier_one() -> None:
    views = Views()
    views.put(signal(direction=Up, at=0))
    views.put(signal(direction=Down, at=1))
    assert views.members(Up) == []
    assert [member.strategy for member in views.members(Down)] == ["breakout"]


def test_a_flat_counts_for_neither_side_but_is_remembered() -> None:
    views = Views([signal(direction=Flat, at=3)])
    assert (views.members(Up), views.members(Down)) == ([], [])
    assert len(views) == 1
    assert views.as_of() == OPEN + 3 * SECOND


def test_an_earlier_signal_and_the_same_one_again_are_superseded() -> None:
    views = Views([signal(at=5)])
    assert views.supersedes(signal(at=4))
    assert views.supersedes(signal(at=5))
    assert not views.supersedes(signal(at=5, ordinal=1))
    assert not views.supersedes(signal("other", at=4))


def test_views_are_dropped_at_their_expiry_and_not_before() -> None:
    views = Views([signal(horizon=10)])
    assert views.next_expiry() == OPEN + 10 * SECOND
    assert not views.expire(OPEN + 10 * SECOND - 1)
    assert views.expire(OPEN + 10 * SECOND)
    assert len(views) == 0
    assert views.next_expiry() is None


def test_withdrawing_says_whether_there_was_a_view() -> None:
    views = Views([signal()])
    assert views.withdraw("breakout")
    assert not views.withdraw("breakout")


def test_views_are_listed_by_strategy_whatever_their_order_of_arrival() -> None:
    a, b = signal("a"), signal("b", at=1)
    assert Views([a, b]).signals() == Views([b, a]).signals() == [a, b]
