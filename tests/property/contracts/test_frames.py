"""A frame survives its codec and has one encoding; hostile bytes are refused with the one error of decoders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import DTYPES, MAX_ROWS, TICK_COLUMNS, Frame, decode, decode_ticks, encode

names = st.text(min_size=1, max_size=20)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    rows = draw(st.integers(1, 40))
    columns = {}
    for name in draw(st.lists(names, min_size=1, max_size=8, unique=True)):
        dtype = DTYPES[draw(st.sampled_from(sorted(DTYPES)))]
        raw = draw(st.binary(min_size=rows * dtype.itemsize, max_size=rows * dtype.itemsize))
        columns[name] = np.frombuffer(raw, dtype)
    return Frame(draw(st.integers(0, 2**32 - 1)), columns)


def tick_frame(rows: int = 3) -> Frame:
    return Frame(20220601, {name: np.arange(rows).astype(DTYPES[code]) for name, code in TICK_COLUMNS.items()})


@given(frames())
def test_a_frame_survives_the_codec_bit_for_bit(frame: Frame) -> None:
    again = decode(encode(frame))
    assert again.session == frame.session
    assert list(again.columns) == list(frame.columns)
    for name, column in frame.columns.items():
        assert again[name].dtype == column.dtype
        assert again[name].tobytes() == column.tobytes()


@given(frames())
def test_a_frame_has_exactly_one_encoding(frame: Frame) -> None:
    data = encode(frame)
    assert encode(decode(data)) == data


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused_with_a_contract_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        decode(data)


@given(frames(), st.data())
def test_a_frame_with_damaged_bytes_is_refused_or_is_another_valid_frame(frame: Frame, data: st.DataObject) -> None:
    damaged = bytearray(encode(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = decode(bytes(damaged))
    except ContractError:
        return
    # Damage inside the padding or the values cannot be told from another value; its size still fits.
    assert len(encode(again)) == len(damaged)


@given(frames(), st.integers(1, 50))
def test_a_frame_that_was_cut_or_has_bytes_behind_it_is_refused(frame: Frame, by: int) -> None:
    data = encode(frame)
    for wrong in (data[:-by], data + bytes(by)):
        with pytest.raises(ContractError):
            decode(wrong)


def test_a_tick_frame_must_have_every_level_one_column_in_its_type() -> None:
    frame = tick_frame()
    assert decode_ticks(encode(frame)).rows == 3
    for name in TICK_COLUMNS:
        without = {key: column for key, column in frame.columns.items() if key != name}
        with pytest.raises(ContractError, match=f"frame.{name}"):
            decode_ticks(encode(Frame(1, without)))
        wrong = {**frame.columns, name: np.zeros(3, "u1" if TICK_COLUMNS[name] != "u1" else "f8")}
        with pytest.raises(ContractError, match=f"frame.{name}"):
            decode_ticks(encode(Frame(1, wrong)))


def test_decoded_columns_are_views_that_cannot_be_written() -> None:
    column = decode(encode(tick_frame()))["last"]
    assert not column.flags.writeable
    assert not column.flags.owndata


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (Frame(1, {}), "rows"),
        (Frame(1, {"a": np.zeros(0, "i8")}), "rows"),
        (Frame(1, {"a": np.zeros(MAX_ROWS + 1, "u1")}), "rows"),
        (Frame(1, {"a": np.zeros(2, "i8"), "b": np.zeros(3, "i8")}), "b"),
        (Frame(1, {"a": np.zeros(2, "f4")}), "column a"),
        (Frame(1, {str(n): np.zeros(1, "u1") for n in range(513)}), "columns"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused_by_name(frame: Frame, what: str) -> None:
    with pytest.raises(ContractError, match=f"^{what}:"):
        encode(frame)


def test_an_added_column_must_have_a_new_name() -> None:
    frame = tick_frame()
    assert list(frame.with_columns({"vwap": np.zeros(3)}).columns)[-1] == "vwap"
    with pytest.raises(ContractError, match="last"):
        frame.with_columns({"last": np.zeros(3)})
    assert len(frame) == 3


def test_a_version_that_is_not_ours_says_what_to_upgrade() -> None:
    data = bytearray(encode(tick_frame()))
    data[4] = 2
    with pytest.raises(ContractError, match="upgrade the reader"):
        decode(bytes(data))
