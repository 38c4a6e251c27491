"""Clients are sent away one after the other, all within the time there is."""

from hypothesis import given
from hypothesis import strategies as st

from dfp.streamer.drain import STEP_S, step_size


@given(st.integers(0, 20_000), st.floats(0, 60))
def test_all_are_gone_in_time(clients: int, seconds: float) -> None:
    size = step_size(clients, seconds)
    steps = -(-clients // size) if size else 0
    assert steps * STEP_S <= max(seconds, STEP_S) + 1e-9


def test_a_few_go_one_by_one_and_many_are_spread() -> None:
    assert step_size(20, 5.0) == 1
    assert step_size(5_000, 5.0) == 10
    assert step_size(0, 5.0) == 0
