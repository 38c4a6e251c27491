"""When timers are due: by the log's clock, in exchange time."""

import pytest

from dfp.sdk import Strategy, StrategyError, at, every
from dfp.sdk.timers import At, Every, Timer
from feature_log import moment


class Timed(Strategy):
    @at("14:55")
    def before_close(self, symbol: str, memory: object, now: int) -> None: ...

    @every("1m")
    def each_minute(self, symbol: str, memory: object, now: int) -> None: ...


def test_a_strategy_s_timers_stand_in_the_order_in_which_they_were_written() -> None:
    expected = (Timer("before_close", At((14 * 60 + 55) * 60 * 10**9)), Timer("each_minute", Every(60 * 10**9)))
    assert Timed.definition.timers == expected


def test_timers_are_inherited_and_may_be_written_anew() -> None:
    class Earlier(Timed):
        @at("14:50:30")
        def before_close(self, symbol: str, memory: object, now: int) -> None: ...

    before_close, each_minute = Earlier.definition.timers
    assert before_close.schedule == At(((14 * 60 + 50) * 60 + 30) * 10**9)
    assert each_minute.name == "each_minute"


def test_a_time_of_day_is_due_once_a_session_at_the_first_clock_entry_not_before_it() -> None:
    schedule = At((14 * 60 + 55) * 60 * 10**9)
    assert schedule.due(moment("14:54:59"), 20220601, True, 0) is None
    mark = schedule.due(moment("14:55:02"), 20220601, True, 0)
    assert mark is not None
    assert schedule.due(moment("14:55:03"), 20220601, True, mark) is None
    assert schedule.due(moment("09:30:00", 20220602), 20220602, True, mark) is None
    assert schedule.due(moment("14:55:00", 20220602), 20220602, True, mark) is not None


def test_a_period_is_due_once_at_each_of_its_multiples() -> None:
    schedule = Every(60 * 10**9)
    mark = schedule.due(moment("09:31:00"), 20220601, True, 0)
    assert mark is not None
    assert schedule.due(moment("09:31:59"), 20220601, True, mark) is None
    later = schedule.due(moment("09:33:07"), 20220601, True, mark)
    assert later == mark + 2, "missed multiples are not made up for"


def test_a_period_rests_outside_continuous_trading() -> None:
    assert Every(60 * 10**9).due(moment("11:31:00"), 20220601, False, 0) is None


@pytest.mark.parametrize("time", ["25:00", "9:30", "14:55:61", "noon", ""])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(StrategyError, match=r"@at\(.* is not allowed; expected HH:MM or HH:MM:SS"):
        at(time)


@pytest.mark.parametrize("period", ["500ms", "0s", "often", "-1m"])
def test_a_period_that_the_clock_cannot_keep_is_refused(period: str) -> None:
    with pytest.raises(StrategyError, match=r"@every\("):
        every(period)
