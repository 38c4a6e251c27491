"""The history gives the end of the stream in order, and says when it does not reach back far enough."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.streamer.filters import Change, traits
from dfp.streamer.history import Chunk, History, Item
from revisions import revision

SIZE = 1_000_000
CHANGE = Change(traits(revision()), None, first=True)


def item(seq: int, size: int = 3) -> Item:
    return Item(seq, b"x" * size, CHANGE)


def history(first: int, last: int, kept: int = 100) -> History:
    made = History(kept)
    for seq in range(first, last + 1):
        made.append(item(seq))
    return made


def test_it_gives_what_follows_in_chunks() -> None:
    assert history(5, 9).after(5, 2, SIZE) == Chunk(7, [item(6), item(7)])
    assert history(5, 9).after(4, 9, SIZE) == Chunk(9, [item(seq) for seq in range(5, 10)])


def test_a_client_at_the_end_lacks_nothing() -> None:
    assert history(5, 9).after(9, 2, SIZE) == Chunk(9, [])


def test_what_it_does_not_reach_back_to_it_does_not_give() -> None:
    assert history(5, 9).after(3, 2, SIZE) is None
    assert History().after(0, 2, SIZE) is None


def test_an_entry_that_was_passed_over_leaves_no_hole() -> None:
    made = history(5, 6)
    made.append(item(8))
    assert made.after(5, 9, SIZE) == Chunk(8, [item(6), item(8)])
    assert made.after(6, 9, SIZE) == made.after(7, 9, SIZE) == Chunk(8, [item(8)])


@settings(deadline=None)
@given(first=st.integers(1, 50), length=st.integers(1, 60), kept=st.integers(1, 10), seq=st.integers(0, 120))
def test_it_keeps_at_least_what_it_promises_and_never_skips(first: int, length: int, kept: int, seq: int) -> None:
    last = first + length - 1
    chunk = history(first, last, kept).after(seq, 1000, SIZE)
    if chunk is None:
        assert seq < max(first - 1, last - kept)
    else:
        assert [found.seq for found in chunk.items] == list(range(max(seq + 1, first), last + 1))
        assert seq >= first - 1


def test_a_chunk_is_as_large_as_asked_but_one_message_at_least() -> None:
    made = history(1, 5)
    assert made.after(0, 9, 8) == Chunk(2, [item(1), item(2)])
    assert made.after(0, 9, 1) == Chunk(1, [item(1)])


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=60), kept_bytes=st.integers(1, 200))
def test_it_is_bounded_in_bytes_and_keeps_its_end_without_a_hole(sizes: list[int], kept_bytes: int) -> None:
    made = History(1_000, kept_bytes)
    for seq, size in enumerate(sizes, 1):
        made.append(item(seq, size))
        assert made.size <= max(2 * kept_bytes, size)
    kept = len(made)
    chunk = made.after(len(sizes) - kept, 1_000, SIZE)
    assert chunk is not None
    assert [found.seq for found in chunk.items] == list(range(len(sizes) - kept + 1, len(sizes) + 1))
    assert made.size == sum(sizes[-kept:])
    assert kept == len(sizes) or made.after(len(sizes) - kept - 1, 1_000, SIZE) is None
