"""Every decoder of what crosses a process boundary: any bytes are a value or a ContractError."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts import codec, contained, held, outcome, policy, risk
from dfp.contracts.clock import Clock, Gap
from dfp.contracts.codec import Document
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind, Meta, from_fields, sequence, to_fields
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame, decode, decode_ticks, encode
from documents import alert, opportunity, signal
from mutations import attempt, hostile, peak_memory


def frame(rows: int) -> bytes:
    columns = {name: np.arange(rows).astype(DTYPES[code]) for name, code in TICK_COLUMNS.items()}
    return encode(Frame(20220601, columns))


FRAMES = [frame(1), frame(7), encode(Frame(0, {"a": np.zeros(3, "u1"), "b": np.zeros(3, "<f8")}))]
DOCUMENTS: list[Document] = [
    Clock(time=1, session=20220601, phase=4),
    Gap(session=20220601, time=1, reason="trimmed"),
    dead_letter("collector", "bad-price", "last: -1", b"row"),
    signal(),
    opportunity(),
    alert("volatility"),
]
TEXTS = [codec.encode(document) for document in DOCUMENTS]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
META = Meta({"ingest": 1, "exchange": 2**62}, {"dfp:features": 7})


def kinds() -> list[type[Document]]:
    """Every document of the contracts, also those that a test above does not make."""
    found, open_kinds = [], [Document]
    while open_kinds:
        for kind in open_kinds.pop().__subclasses__():
            if kind.__module__.startswith("dfp.contracts"):
                found.append(kind)
            open_kinds.append(kind)
    return found


def test_all_documents_are_known_here() -> None:
    assert {contained.Contained, held.Held, outcome.Outcome, policy.Bundle, risk.Halt} <= set(kinds())


@given(hostile(FRAMES))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    for decoder in (decode, decode_ticks):
        found, refusal = attempt(ContractError, decoder, data)
        if found is None:
            assert len(str(refusal)) < 600
        else:
            assert len(encode(found)) == len(data)  # padding is not looked at


@given(hostile(FRAMES))
def test_a_frame_takes_no_more_memory_than_its_bytes(data: bytes) -> None:
    assert peak_memory(lambda: attempt(ContractError, decode, data)) < 200_000 + 20 * len(data)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
@given(st.data())
def test_any_bytes_are_a_document_or_refused(kind: type[Document], data: st.DataObject) -> None:
    named = st.dictionaries(st.sampled_from([*kind.__struct_fields__, "kind", "type"]), VALUES)
    text = data.draw(hostile(TEXTS) | named.map(msgspec.json.encode))
    found, refusal = attempt(ContractError, codec.decode, text, kind)
    if found is None:
        assert len(str(refusal)) < 600
    else:
        assert codec.decode(codec.encode(found), kind) == found


@given(
    st.binary(max_size=20) | st.text(max_size=20) | st.sampled_from((b"0-1", "0-", b"1-1", "0-\u0661", "0-1-2")),
    st.dictionaries(
        st.sampled_from((b"k", b"p", b"m", b"x")),
        hostile([kind.value.encode() for kind in Kind]) | hostile([to_fields(Kind.CLOCK, b"", META)[5]]),
        max_size=4,
    ),
)
def test_any_fields_are_an_entry_or_refused(identifier: Any, fields: dict[bytes, bytes]) -> None:
    attempt(ContractError, sequence, identifier)
    for entry_id in (identifier, b"0-7"):
        found, refusal = attempt(ContractError, from_fields, entry_id, fields)
        assert isinstance(found, Entry) or len(str(refusal)) < 600


@given(hostile([msgspec.msgpack.encode(META)]))
def test_any_metadata_is_read_or_refused(data: bytes) -> None:
    found, _ = attempt(ContractError, from_fields, b"0-1", {b"k": b"clock", b"p": b"", b"m": data})
    assert found is None or all(isinstance(hop, int) for hop in found.meta.hops.values())
