"""The first message goes at once, and no client gets more frames than the gaps allow."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dfp.streamer.pacing import CREDIT, GAP_S, LONGEST_GAP_S, Pacer

arrivals = st.lists(
    st.tuples(st.floats(0, 0.3, allow_nan=False), st.floats(0, 0.2, allow_nan=False)), min_size=1, max_size=200
)


def broadcasts(arriving: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """(due, sent, gap after it) of each broadcast, when messages arrive at these distances and each costs so much."""
    pacer, now, made = Pacer(), 1_000.0, []
    for distance, cost in arriving:
        due = now + distance
        now = due + pacer.wait(due)
        assert pacer.wait(now) < 1e-9
        pacer.sent(now, cost)
        made.append((due, now, pacer.gap))
    return made


def test_the_first_message_goes_at_once() -> None:
    assert Pacer().wait(0.0) == 0.0


def test_after_a_quiet_time_a_few_messages_go_at_once_and_then_one_a_gap() -> None:
    made = broadcasts([(0.0, 0.001)] * 8)
    waits = [round(sent - due, 6) for due, sent, _ in made]
    assert waits == [0.0] * int(CREDIT) + [GAP_S] * 3


def test_expensive_broadcasts_make_the_gap_longer_up_to_a_limit() -> None:
    made = broadcasts([(0.0, 0.015)] * 8 + [(0.0, 1.0)] * 3)
    waits = [round(sent - due, 6) for due, sent, _ in made]
    assert waits == [0.0] * int(CREDIT) + [0.030] * 4 + [LONGEST_GAP_S] * 2


@given(arrivals)
def test_no_message_waits_longer_than_the_longest_gap(arriving: list[tuple[float, float]]) -> None:
    assert all(sent - due <= LONGEST_GAP_S + 1e-9 for due, sent, _ in broadcasts(arriving))


@given(arrivals)
def test_in_no_stretch_of_time_are_there_more_frames_than_gaps_and_the_credit(
    arriving: list[tuple[float, float]],
) -> None:
    times = [sent for _, sent, _ in broadcasts(arriving)]
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= CREDIT + (times[last] - times[first]) / GAP_S + 1e-6


@given(st.lists(st.floats(0, 0.3, allow_nan=False), min_size=1, max_size=100), st.floats(0, LONGEST_GAP_S / 2))
def test_broadcasting_takes_half_of_the_time_at_most_but_for_the_credit(distances: list[float], cost: float) -> None:
    times = [sent for _, sent, _ in broadcasts([(distance, cost) for distance in distances])]
    for first in range(len(times)):
        spent = (len(times) - first) * cost
        assert spent <= CREDIT * cost + (times[-1] - times[first]) / 2 + 1e-6


@given(st.integers(0, 2**32), st.sampled_from([0.005, 0.012]))
def test_arrivals_at_random_hardly_ever_wait(seed: int, cost: float) -> None:
    chance = random.Random(seed)
    made = broadcasts([(chance.expovariate(20), cost) for _ in range(2_000)])
    assert sum(sent > due for due, sent, _ in made) <= 0.05 * len(made)
