"""Trading time leaves out lunch and night."""

import pytest

from dfp.market.instruments import InstrumentClass
from dfp.market.phases import midnight_ns
from dfp.market.trading_time import add, elapsed, parse_duration

MINUTE = 60_000_000_000
SESSION = 20220601


def at(clock: str, session: int = SESSION) -> int:
    hours, minutes = clock.split(":")
    return midnight_ns(session) + (int(hours) * 60 + int(minutes)) * MINUTE


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("500ms", 500_000_000), ("2s", 2_000_000_000), ("10m", 10 * MINUTE), ("1h", 60 * MINUTE), ("007s", 7_000_000_000)],
)
def test_a_duration_is_a_number_and_a_unit(text, nanoseconds):
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "m", "0s", "-1s", "1.5h", "1h30m", "10 m", " 10m", "10M", "1d", "5us", "１０m"),
        *("3000000h", "9" * 5_000 + "s"),
    ],
)
def test_another_duration_is_refused_with_what_is_allowed(text):
    with pytest.raises(ValueError, match="is not allowed; expected a whole number above 0") as refused:
        parse_duration(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("10:00", 10, "10:10"),
        ("11:25", 10, "13:05"),
        ("11:25", 5, "11:30"),
        ("11:30", 1, "13:01"),
        ("12:10", 1, "13:01"),
        ("09:00", 10, "09:40"),
        ("09:30", 240, "15:00"),
        ("14:50", 8, "14:58"),
        ("14:50", 60, "15:00"),
        ("09:00", 500, "15:00"),
        ("15:00", 10, "15:00"),
        ("15:20", 10, "15:20"),
        ("12:10", 0, "12:10"),
        ("09:00", 0, "09:00"),
    ],
)
def test_a_horizon_leaves_out_lunch_and_ends_with_the_session(start, minutes, end):
    assert add(at(start), minutes * MINUTE) == at(end)


def test_the_horizon_of_a_treasury_future_ends_with_its_own_session():
    assert add(at("14:50"), 60 * MINUTE, InstrumentClass.TREASURY_FUTURE) == at("15:15")


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        *(("10:00", "10:10", 10), ("11:25", "13:05", 10), ("11:40", "12:50", 0)),
        *(("08:00", "23:00", 240), ("14:58", "15:10", 2)),
    ],
)
def test_lunch_and_night_do_not_count_as_elapsed(start, end, minutes):
    assert elapsed(at(start), at(end)) == minutes * MINUTE


def test_from_one_session_to_the_next_the_rest_of_the_first_counts_and_what_passed_of_the_second():
    assert elapsed(at("14:50"), at("09:35", 20220602)) == 15 * MINUTE
    assert elapsed(at("14:50", 20220602), at("09:35", 20220606)) == 15 * MINUTE  # over a long weekend


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="at or after the start"):
        elapsed(at("10:01"), at("10:00"))
    with pytest.raises(ValueError, match="duration -1 ns"):
        add(at("10:00"), -1)
