"""How event time moves with the rows, and what that says of each of them."""

import numpy as np

from dfp.collector.order import UNSET, Order, day_of, judge
from raw_rows import moment

START = moment("10:00:00")


def judged(*seconds: float, watermark: int | None = START) -> Order:
    times = np.array([START + round(second * 1e9) for second in seconds], np.int64)
    return judge(times, UNSET if watermark is None else watermark)


def test_event_time_is_the_latest_time_so_far() -> None:
    order = judged(1, 0, 3, 2)
    assert ((order.watermarks - START) / 1e9).tolist() == [1, 1, 3, 3]


def test_a_row_is_late_when_it_is_more_than_three_seconds_behind() -> None:
    assert judged(3, 0).late.tolist() == [False, False]
    assert judged(3.000000001, 0).late.tolist() == [False, True]


def test_a_step_of_a_minute_is_believed_at_once() -> None:
    order = judged(60)
    assert not order.undecided
    assert order.watermarks.tolist() == [START + 60 * 10**9]


def test_a_longer_step_waits_for_the_next_row() -> None:
    order = judged(61)
    assert order.undecided
    assert order.watermarks.tolist() == [START]


def test_a_longer_step_that_the_next_row_confirms_moves_event_time() -> None:
    order = judged(5400, 5400)
    assert not order.undecided
    assert order.watermarks.tolist() == [START + 5400 * 10**9] * 2
    assert not order.skewed.any()


def test_a_longer_step_that_the_next_row_contradicts_is_a_skewed_clock() -> None:
    order = judged(5400, 3)
    assert order.skewed.tolist() == [True, False]
    assert order.stray.tolist() == [False, False]
    assert order.watermarks.tolist() == [START, START + 3 * 10**9]


def test_the_first_row_of_all_needs_the_second_one() -> None:
    assert judged(0, watermark=None).undecided
    assert judged(4 * 3600, 0, 1, watermark=None).skewed.tolist() == [True, False, False]


def test_a_clock_on_another_day_is_a_stray() -> None:
    assert judged(86_400, 3).stray.tolist() == [True, False]


def test_ticks_minutes_apart_are_all_good() -> None:
    order = judged(0, 100, 200, 300, watermark=None)
    assert not (order.skewed | order.late).any()
    assert order.undecided


def test_the_exchanges_day_begins_eight_hours_before_that_of_utc() -> None:
    assert day_of(moment("00:00:00")) == day_of(moment("23:59:59"))
    assert day_of(moment("00:00:00")) == day_of(moment("00:00:00") - 1) + 1
