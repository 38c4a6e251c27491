"""Columns and single values agree on phase and session at every instant."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.market import phases
from dfp.market.instruments import InstrumentClass

FIRST = phases.midnight_ns(19900101)
LAST = phases.midnight_ns(20991231)
SHANGHAI = dt.timezone(dt.timedelta(hours=8))

instants = st.integers(FIRST, LAST)
classes = st.sampled_from(InstrumentClass)


@given(st.lists(instants, min_size=1), classes)
def test_a_column_has_the_phases_and_sessions_of_its_values(times, cls):
    column = np.array(times, dtype=np.int64)
    found = phases.phases_of(column, cls)
    assert found.dtype == np.uint8
    assert found.tolist() == [phases.phase_at(time, cls) for time in times]
    assert phases.sessions_of(column).tolist() == [phases.session_of(time) for time in times]


@given(instants)
def test_the_session_is_the_date_that_a_clock_in_shanghai_shows(time):
    shown = dt.datetime.fromtimestamp(time // 10**9, SHANGHAI)
    assert phases.session_of(time) == int(f"{shown:%Y%m%d}")


@given(st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)))
def test_a_session_and_its_date_and_midnight_are_one(date):
    session = phases.session_of_date(date)
    assert phases.date_of(session) == date
    assert phases.session_of(phases.midnight_ns(session)) == session
    assert phases.session_of(phases.midnight_ns(session) - 1) < session


@given(instants, classes)
def test_the_phase_is_that_of_the_last_edge_before(time, cls):
    edges = phases.phase_edges(phases.session_of(time), cls)
    passed = [phase for start, phase in edges if start <= time]
    assert phases.phase_at(time, cls) is (passed[-1] if passed else phases.Phase.CLOSED)


@pytest.mark.parametrize("cls", InstrumentClass)
def test_every_class_trades_four_hours_or_a_little_more_with_one_lunch(cls):
    spans = phases.trading_spans(cls)
    assert len(spans) == 2
    assert sum(end - start for start, end in spans) in (240 * 60 * 10**9, 255 * 60 * 10**9)
