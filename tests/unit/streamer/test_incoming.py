"""Frames of clients become messages, or the connection ends with the right code."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.streamer.incoming import LARGEST, Incoming, Unacceptable


def add(incoming: Incoming, payload: bytes, *, begins: bool = True, binary: bool = False, fin: bool = True) -> object:
    return incoming.add(payload, begins=begins, binary=binary, fin=fin)


def test_fragments_become_one_message() -> None:
    incoming = Incoming()
    assert add(incoming, b"\xe4\xb8", fin=False) is None
    assert add(incoming, b"", begins=False, fin=False) is None
    assert add(incoming, b"\x9c", begins=False) == "东".encode()
    assert add(incoming, b"next") == b"next"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(b"x" * (LARGEST + 1), True, True)], 1009),
        ([(b"x" * LARGEST, True, False), (b"x", False, True)], 1009),
        ([(b"\xff\xfe", True, True)], 1007),
        ([(b"x", False, True)], 1002),
        ([(b"x", True, False), (b"x", True, True)], 1002),
    ],
)
def test_what_cannot_be_a_message_ends_the_connection(frames: list[tuple[bytes, bool, bool]], code: int) -> None:
    incoming = Incoming()
    *before, (payload, begins, fin) = frames
    for one, start, end in before:
        add(incoming, one, begins=start, fin=end)
    with pytest.raises(Unacceptable) as refused:
        add(incoming, payload, begins=begins, fin=fin)
    assert refused.value.code == code


def test_a_binary_message_is_a_mistake_but_not_the_end() -> None:
    incoming = Incoming()
    with pytest.raises(ContractError, match="3 bytes in a binary frame"):
        add(incoming, b"abc", binary=True)
    assert add(incoming, b"text") == b"text"


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.booleans(), st.booleans()), max_size=50))
def test_whatever_comes_is_a_message_a_mistake_or_the_end(frames: list[tuple[bytes, bool, bool, bool]]) -> None:
    incoming = Incoming()
    with contextlib.suppress(Unacceptable):
        for payload, begins, binary, fin in frames:
            with contextlib.suppress(ContractError):
                found = add(incoming, payload, begins=begins, binary=binary, fin=fin)
                assert found is None or isinstance(found, bytes)
