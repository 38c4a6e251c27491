"""Damaged forms of valid bytes: they come further into a decoder than random bytes, which fail at its door."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

PIECES = (
    *(b"", b"\0", b"\xff", b"\x80", b"\n", b"\r", b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b"[" * 2_000),
    *(b"NaN", b"-Infinity", b"1e400", b"-1", b"1" * 400, b"null", b"true", b"\\ud800", b"\\u0000", b"\xed\xa0\x80"),
    *(number.to_bytes(size, order) for number in (2**15, 2**31 - 1) for size in (4, 8) for order in ("little", "big")),
    *(b"\xff\xff\xff\xff", b"\x7f\xf0\0\0\0\0\0\0", b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xc1"),
)
"""What decoders stumble over: quotes, brackets, numbers out of range, half characters, lengths that are lies."""


@st.composite
def mutated(draw: st.DrawFn, valid: Sequence[bytes], most: int = 4) -> bytes:
    """One of the valid texts, with some bytes flipped, cut off, cut out, repeated, or put in from elsewhere."""
    data = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, most))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        match draw(st.sampled_from(("flip", "truncate", "cut", "repeat", "insert", "replace", "splice"))):
            case "flip" if start < len(data):
                data = data[:start] + bytes([data[start] ^ draw(st.integers(1, 255))]) + data[start + 1 :]
            case "truncate":
                data = data[:start]
            case "cut":
                data = data[:start] + data[end:]
            case "repeat":
                data = data[:end] + data[start:]
            case "insert":
                data = data[:start] + draw(st.sampled_from(PIECES)) + data[start:]
            case "replace":
                data = data[:start] + draw(st.sampled_from(PIECES)) + data[end:]
            case "splice":
                other = draw(st.sampled_from(valid))
                data = data[:start] + other[draw(st.integers(0, len(other))) :]
    return data


def hostile(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Damaged valid bytes, and any bytes."""
    return mutated(valid) | st.binary(max_size=400)


def attempt(error: type[E], call: Callable[..., T], *arguments: object) -> tuple[T | None, E | None]:
    """What a call gives, or the one error that it may raise."""
    try:
        return call(*arguments), None
    except error as refusal:
        return None, refusal


def peak_memory(call: Callable[[], T]) -> int:
    """Bytes that a call held at most; its exceptions are raised."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
