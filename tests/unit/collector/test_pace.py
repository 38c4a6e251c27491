"""When rows are due."""

import numpy as np

from dfp.collector.order import UNSET
from dfp.collector.pace import Pace
from raw_rows import moment

SECOND = 10**9
WALL = 1_800_000_000 * SECOND


def marks(*clocks: str, day: str = "2026-11-25") -> np.ndarray:
    return np.array([moment(clock, day) for clock in clocks], np.int64)


def test_at_full_speed_every_row_is_due() -> None:
    pace = Pace(None, UNSET, UNSET)
    pace.follow(moment("10:00:00"), WALL)
    assert pace.due(marks("10:00:00", "15:00:00"), WALL) == 2
    assert pace.due_at(moment("10:00:00")) is None


def test_the_first_row_is_due_at_once_and_the_next_ones_in_their_time() -> None:
    pace = Pace(1.0, UNSET, UNSET)
    rows = marks("10:00:00", "10:00:03", "10:00:06")
    pace.follow(int(rows[0]), WALL)
    assert [pace.due(rows, WALL + seconds * SECOND) for seconds in (0, 2, 3, 6)] == [1, 1, 2, 3]


def test_a_speed_of_ten_makes_ten_event_seconds_of_one() -> None:
    pace = Pace(10.0, UNSET, UNSET)
    rows = marks("10:00:00", "10:00:10")
    pace.follow(int(rows[0]), WALL)
    assert pace.due(rows, WALL + SECOND) == 2
    assert pace.due(rows, WALL + SECOND - 1) == 1
    event = pace.event(WALL + SECOND // 2)
    assert event - pace.event(WALL) == 5 * SECOND
    assert pace.wall(event) == WALL + SECOND // 2


def test_rows_up_to_the_start_are_not_paced() -> None:
    pace = Pace(1.0, moment("10:00:00"), UNSET)
    rows = marks("09:15:00", "10:00:00", "10:00:03", "10:00:06")
    pace.follow(int(rows[0]), WALL)
    assert pace.due(rows, WALL) == 3
    assert pace.due_at(int(rows[2])) is None
    pace.follow(int(rows[3]), WALL)
    assert pace.due(rows[3:], WALL) == 0
    assert pace.due_at(int(rows[2])) == WALL + 3 * SECOND
    assert pace.due_at(int(rows[0])) is None
    assert pace.due(rows[3:], WALL + 3 * SECOND) == 1


def test_nights_are_skipped_and_lunch_is_not() -> None:
    pace = Pace(1.0, UNSET, UNSET)
    pace.follow(moment("11:29:59"), WALL)
    pace.follow(moment("13:00:00"), WALL)
    assert pace.due(marks("13:00:00"), WALL + 60 * SECOND) == 0
    next_day = marks("09:15:00", day="2026-11-26")
    assert pace.due(next_day, WALL + 60 * SECOND) == 0
    pace.follow(int(next_day[0]), WALL + 60 * SECOND)
    assert pace.due(next_day, WALL + 60 * SECOND) == 1


def test_a_run_that_is_taken_up_in_the_lunch_break_waits_for_its_end() -> None:
    pace = Pace(1.0, moment("10:00:00"), moment("12:00:00"))
    rows = marks("13:00:00")
    pace.follow(int(rows[0]), WALL)
    assert pace.event(WALL) == moment("12:00:00")
    assert pace.due(rows, WALL + 3596 * SECOND) == 0
    assert pace.due(rows, WALL + 3597 * SECOND) == 1


def test_a_start_before_the_first_row_does_not_delay_it() -> None:
    pace = Pace(1.0, moment("08:00:00"), UNSET)
    rows = marks("09:15:00")
    pace.follow(int(rows[0]), WALL)
    assert pace.due(rows, WALL) == 1
