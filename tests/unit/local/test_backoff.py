from hypothesis import given
from hypothesis import strategies as st

from dfp.local.backoff import Backoff


def test_delays_double_from_a_tenth_of_a_second_to_five_seconds() -> None:
    backoff = Backoff()
    delays = [backoff.delay(n) for n in range(1, 10)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_process_that_lived_ten_seconds_starts_again_at_the_first_delay() -> None:
    backoff = Backoff()
    assert backoff.failures(before=6, lived_s=9.9) == 7
    assert backoff.failures(before=6, lived_s=10.0) == 1


@given(st.integers(1, 10**9))
def test_no_delay_is_longer_than_the_longest_however_often_it_failed(failures: int) -> None:
    assert 0.1 <= Backoff().delay(failures) <= 5.0
