"""The history gives the end of the stream in order, and says when it does not reach back far enough."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.streamer.history import Chunk, History


def history(first: int, last: int, kept: int = 100) -> History:
    made = History(kept)
    for seq in range(first, last + 1):
        made.append(seq, b"%d" % seq)
    return made


def test_it_gives_what_follows_in_chunks() -> None:
    assert history(5, 9).after(5, 2) == Chunk(7, [(6, b"6"), (7, b"7")])
    assert history(5, 9).after(4, 9) == Chunk(9, [(seq, b"%d" % seq) for seq in range(5, 10)])


def test_a_client_at_the_end_lacks_nothing() -> None:
    assert history(5, 9).after(9, 2) == Chunk(9, [])


def test_what_it_does_not_reach_back_to_it_does_not_give() -> None:
    assert history(5, 9).after(3, 2) is None
    assert History().after(0, 2) is None


def test_an_entry_that_was_passed_over_leaves_no_hole() -> None:
    made = history(5, 6)
    made.append(8, b"8")
    assert made.after(5, 9) == Chunk(8, [(6, b"6"), (8, b"8")])
    assert made.after(6, 9) == made.after(7, 9) == Chunk(8, [(8, b"8")])


@settings(deadline=None)
@given(first=st.integers(1, 50), length=st.integers(1, 60), kept=st.integers(1, 10), seq=st.integers(0, 120))
def test_it_keeps_at_least_what_it_promises_and_never_skips(first: int, length: int, kept: int, seq: int) -> None:
    last = first + length - 1
    chunk = history(first, last, kept).after(seq, 1000)
    if chunk is None:
        assert seq < max(first - 1, last - kept)
    else:
        assert [found for found, _ in chunk.messages] == list(range(max(seq + 1, first), last + 1))
        assert seq >= first - 1
