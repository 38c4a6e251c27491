"""Trading days are those of the exchange as far as they are known, and an assumption that says so beyond."""

import subprocess
import sys

import pytest

from dfp.market.calendar import Calendar


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar.shanghai()


def test_the_spring_festival_is_no_session_and_neither_is_a_weekend(calendar):
    assert calendar.is_session(20220128)
    assert not any(calendar.is_session(day) for day in (20220131, 20220204, 20220205, 20220206))
    assert calendar.is_session(20220207)


def test_a_saturday_that_is_worked_elsewhere_is_no_session(calendar):
    assert not calendar.is_session(20220129)


def test_sessions_follow_each_other_over_a_holiday(calendar):
    assert calendar.next_session(20220128) == 20220207
    assert calendar.previous_session(20220207) == 20220128
    assert calendar.next_session(20220201) == 20220207
    assert calendar.previous_session(20220201) == 20220128


def test_the_range_that_is_known_goes_from_the_first_day_of_the_exchange_to_the_end_of_the_library(calendar):
    assert calendar.known_from == calendar.sessions[0] == 19901219
    assert calendar.known_until >= 20261231
    assert calendar.certain(19901219)
    assert calendar.certain(calendar.known_until)
    assert not calendar.certain(19901218)
    assert not calendar.certain(calendar.known_until + 1)


def test_the_days_of_the_real_files_are_certain_sessions(calendar):
    for session in (20180102, 20190201, 20190211, 20200102, 20210104, 20211201, 20220601, 20230201, 20230711):
        assert calendar.is_session(session)
        assert calendar.certain(session)


def test_past_its_end_monday_to_friday_is_assumed_and_not_certain():
    ends = Calendar(sessions=(20261229, 20261230), known_from=20261228, known_until=20261231)
    assert not ends.is_session(20261231)
    assert ends.next_session(20261230) == 20270101  # a holiday in fact: nobody has published it yet
    assert not ends.certain(20270101)
    assert ends.is_session(20270104)
    assert not ends.is_session(20270103)
    assert ends.next_session(20270101) == 20270104
    assert ends.previous_session(20270101) == 20261230
    assert ends.certain(20261230)


def test_before_its_start_the_same_is_assumed():
    starts = Calendar(sessions=(20261229, 20261230), known_from=20261229, known_until=20261230)
    assert starts.previous_session(20261229) == 20261228
    assert starts.previous_session(20261228) == 20261225
    assert not starts.certain(20261228)


def test_a_number_that_is_no_date_is_refused(calendar):
    for ask in (calendar.is_session, calendar.next_session, calendar.previous_session):
        with pytest.raises(ValueError, match="session 20220230 is not a date"):
            ask(20220230)


def test_pandas_is_not_imported_before_a_calendar_is_asked_for():
    program = "import sys, dfp.market.calendar; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
