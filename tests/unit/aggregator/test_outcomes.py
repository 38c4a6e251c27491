"""What became of an opportunity: entry, exit, excursions and cost of somebody who followed it."""

import pytest

from dfp.contracts.entry import Kind
from dfp.contracts.flags import Flag
from dfp.contracts.opportunity import CloseReason
from dfp.contracts.outcome import Outcome, Tradable
from dfp.market.phases import Phase
from mornings import ticks
from opinions import OPEN, SECOND, SESSION, Aggregator, Down, Flat, Up, clock, sent, signal

COST = 0.001


@pytest.fixture
def aggregator() -> Aggregator:
    return Aggregator()


def outcomes(aggregator: Aggregator) -> list[Outcome]:
    return sent(aggregator.work, Kind.OUTCOME, Outcome)


def test_entry_is_the_first_ask_and_exit_the_last_price_within_the_horizon(aggregator: Aggregator) -> None:
    aggregator.take(
        clock(0), signal(horizon=60), ticks((0, 10.0), (20, 10.5), (40, 9.8), (60, 10.2), (61, 99.0)), clock(62)
    )
    (found,) = outcomes(aggregator)
    assert (found.entry, found.exit, found.tradable, found.cost) == (10.01, 10.2, Tradable.YES, COST)
    assert found.return_at_horizon == pytest.approx(10.2 / 10.01 - 1 - COST)
    assert found.mfe == pytest.approx(10.5 / 10.01 - 1 - COST)
    assert found.mae == pytest.approx(9.8 / 10.01 - 1 - COST)
    assert (found.closed, found.horizon_end) == (CloseReason.EXPIRED, OPEN + 60 * SECOND)


def test_a_down_is_entered_at_the_bid_and_gains_when_the_price_falls(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(direction=Down, horizon=60), ticks((1, 10.0), (30, 9.0), (50, 9.5)), clock(61))
    (found,) = outcomes(aggregator)
    assert found.entry == 9.99
    assert found.return_at_horizon == pytest.approx((9.99 - 9.5) / 9.99 - COST)
    assert found.mfe == pytest.approx((9.99 - 9.0) / 9.99 - COST)


def test_a_tick_before_the_opening_is_no_entry(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(at=10, horizon=60), ticks((9, 5.0), (10, 10.0)), clock(71))
    assert outcomes(aggregator)[0].entry == 10.01


@pytest.mark.parametrize(("flags", "tradable"), [(Flag.AT_LIMIT_UP, Tradable.LOCKED), (Flag(0), Tradable.NO_QUOTE)])
def test_without_an_ask_nobody_can_enter(aggregator: Aggregator, flags: Flag, tradable: Tradable) -> None:
    locked = ticks((1, 11.0), ask1=0, flags=int(flags))
    aggregator.take(clock(0), signal(horizon=60), locked, ticks((2, 10.9)), clock(61))
    (found,) = outcomes(aggregator)
    assert (found.tradable, found.entry, found.return_at_horizon, found.mfe) == (tradable, None, None, None)


def test_without_any_tick_there_was_no_quote(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=60), clock(61))
    (found,) = outcomes(aggregator)
    assert (found.tradable, found.exit) == (Tradable.NO_QUOTE, None)


def test_what_is_closed_before_there_is_a_quote_cannot_be_followed(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=60), signal(direction=Flat, at=1), ticks((1, 10.0)), clock(61))
    (found,) = outcomes(aggregator)
    assert (found.tradable, found.entry, found.exit) == (Tradable.NO_QUOTE, None, 10.0)
    assert (found.return_at_close, found.return_at_horizon) == (None, None)


def test_an_unfit_tick_is_no_price(aggregator: Aggregator) -> None:
    crossed = ticks((1, 50.0), flags=int(Flag.CROSSED))
    aggregator.take(clock(0), signal(horizon=60), crossed, ticks((2, 10.0)), clock(61))
    assert outcomes(aggregator)[0].entry == 10.01


@pytest.mark.parametrize("phase", [Phase.OPENING_CALL, Phase.LUNCH, Phase.CLOSING_CALL])
def test_outside_continuous_trading_there_is_no_quote(aggregator: Aggregator, phase: Phase) -> None:
    virtual = ticks((1, 50.0), phase=phase)
    aggregator.take(clock(0), signal(horizon=60), virtual, ticks((2, 10.0)), virtual, clock(61))
    (found,) = outcomes(aggregator)
    assert (found.entry, found.exit) == (10.01, 10.0)


def test_an_early_close_has_a_return_of_its_own_and_the_horizon_still_counts(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=60), ticks((1, 10.0), (5, 11.0)), signal(direction=Flat, at=10))
    aggregator.take(ticks((20, 12.0)), clock(59))
    assert outcomes(aggregator) == []
    aggregator.take(clock(61))
    (found,) = outcomes(aggregator)
    assert found.closed is CloseReason.INVALIDATED
    assert found.return_at_close == pytest.approx(11.0 / 10.01 - 1 - COST)
    assert found.return_at_horizon == pytest.approx(12.0 / 10.01 - 1 - COST)


def test_at_the_end_of_the_session_everything_is_decided(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=14_400), ticks((1, 10.0)), clock(100, end=True))
    (found,) = outcomes(aggregator)
    assert (found.closed, found.exit) == (CloseReason.SESSION_END, 10.0)


def test_an_opportunity_that_was_held_has_no_outcome(aggregator: Aggregator) -> None:
    aggregator.assume(halts=("pipeline",))
    aggregator.take(clock(0), signal(horizon=60), ticks((1, 10.0)), clock(61))
    assert outcomes(aggregator) == []


def test_two_opportunities_on_one_symbol_are_followed_each_for_itself(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal("a", Up, horizon=60), ticks((1, 10.0)), signal("a", Down, at=5, horizon=60))
    aggregator.take(ticks((6, 11.0)), clock(70))
    assert [(one.side, one.entry) for one in outcomes(aggregator)] in (
        [(Up, 10.01), (Down, 10.99)],
        [(Down, 10.99), (Up, 10.01)],
    )


def test_ticks_of_other_symbols_and_sessions_do_not_count(aggregator: Aggregator) -> None:
    other, later = ticks((1, 5.0), symbol="600001.SH"), ticks((2, 6.0), session=SESSION + 1)
    aggregator.take(clock(0), signal(horizon=60), other, later, ticks((3, 10.0)), clock(61))
    assert outcomes(aggregator)[0].entry == 10.01


def test_a_restart_in_the_middle_changes_no_outcome(aggregator: Aggregator) -> None:
    events = (clock(0), signal(horizon=60), ticks((1, 10.0)), ticks((5, 11.0)), ticks((9, 9.0)), clock(61))
    aggregator.take(*events)
    for where in range(1, len(events)):
        restarted = Aggregator()
        restarted.take(*events[:where])
        restarted.restart()
        restarted.take(*events[where:])
        assert outcomes(restarted) == outcomes(aggregator)
        assert not any(name.startswith("@follow/") for name in restarted.fields)


def test_a_damaged_frame_is_dead_lettered_and_the_follow_goes_on(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=60))
    aggregator.feed([aggregator.entry(b"DFPF", Kind.FEATURES)])
    aggregator.take(ticks((3, 10.0)), clock(61))
    assert outcomes(aggregator)[0].entry == 10.01
    assert aggregator.work.counts["rejected/bad-features"] == 1
