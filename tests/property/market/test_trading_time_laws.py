"""Trading time is an order-preserving measure: what is added is what has elapsed, up to the rest of the session."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from dfp.market.instruments import InstrumentClass
from dfp.market.phases import DAY_NS, Phase, midnight_ns, phase_at, session_close_ns, session_of
from dfp.market.trading_time import add, elapsed, parse_duration

SESSION = 20220601
MIDNIGHT = midnight_ns(SESSION)

times = st.integers(MIDNIGHT, MIDNIGHT + DAY_NS - 1)
durations = st.integers(0, DAY_NS)
classes = st.sampled_from(InstrumentClass)


@given(times, durations, classes)
def test_what_is_added_has_elapsed_up_to_the_rest_of_the_session(time, duration, cls):
    rest = elapsed(time, MIDNIGHT + DAY_NS - 1, cls)
    assert elapsed(time, add(time, duration, cls), cls) == min(duration, rest)


@given(times, durations, classes)
def test_a_horizon_never_ends_before_it_begins_nor_after_the_close(time, duration, cls):
    end = add(time, duration, cls)
    assert time <= end <= max(time, session_close_ns(SESSION, cls))
    assert session_of(end) == SESSION


@given(times, st.integers(1, DAY_NS), classes)
def test_a_horizon_ends_as_soon_as_its_time_has_elapsed(time, duration, cls):
    end = add(time, duration, cls)
    if end > time:
        assert elapsed(time, end - 1, cls) < elapsed(time, end, cls)


@given(times, durations, durations)
def test_two_horizons_after_each_other_are_one_of_their_sum(time, first, second):
    assert add(add(time, first), second) == add(time, first + second) or second == 0


@given(st.tuples(times, times, times).map(sorted), classes)
def test_elapsed_time_adds_up(moments, cls):
    first, second, third = moments
    assert elapsed(first, second, cls) + elapsed(second, third, cls) == elapsed(first, third, cls)


@given(times)
def test_time_passes_exactly_while_prices_are_made(time):
    trading = phase_at(time) in (Phase.CONTINUOUS, Phase.CLOSING_CALL)
    assert elapsed(time, time + 1) == trading


@given(st.text() | st.from_regex(r"[0-9]+(ms|s|m|h)", fullmatch=True))
def test_a_text_is_a_positive_duration_or_refused_with_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert 0 < parse_duration(text) < 2**63
