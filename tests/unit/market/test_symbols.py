"""Symbols have one spelling, and what has another form is refused with what is allowed."""

import numpy as np
import pytest

from dfp.market.symbols import SymbolError, normalize, pack, unpack


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("600000.SH", "600000.SH"), (" 000001.sz\n", "000001.SZ"), ("920000.bj", "920000.BJ"), ("t2406.cf", "T2406.CF")],
)
def test_lower_case_and_surrounding_space_are_accepted(text, symbol):
    assert normalize(text) == symbol


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "600000",
            "600000.",
            "60000.SH",
            "6000000.SH",
            "600000.HK",
            "SH600000",
            "600000 .SH",
            "600000.SH,600001.SH",
        ),
        *("IF2101.CFFEX", "IF2101.SH", "600000.CF", "ABC2101.CF", "６０００００.SH", "600000.ſh", "000001.SH(index)"),
    ],
)
def test_another_form_is_refused_with_its_name_and_what_is_allowed(text):
    with pytest.raises(SymbolError) as refused:
        normalize(text)
    assert repr(text) in str(refused.value)
    assert "600000.SH" in str(refused.value)
    assert isinstance(refused.value, ValueError)


def test_a_refusal_does_not_repeat_a_text_of_any_length():
    with pytest.raises(SymbolError) as refused:
        normalize("x" * 10_000)
    assert len(str(refused.value)) < 300


def test_the_empty_text_is_packed_as_zero():
    assert pack("") == 0
    assert unpack(0) == ""


def test_the_largest_packed_symbol_fits_an_unsigned_64_bit_integer():
    assert pack("Z" * 12) < 2**64


@pytest.mark.parametrize("text", ["600000.sh", "600000 SH", "A-B", "ABCDEFGHIJKLM", "é"])
def test_a_text_that_does_not_fit_is_not_packed(text):
    with pytest.raises(SymbolError, match="cannot be packed"):
        pack(text)


def test_a_value_of_a_numpy_column_is_unpacked():
    column = np.array([pack("ZZZZZZ.ZZZZZ"), pack("600000.SH")], dtype=np.uint64)
    assert [unpack(code) for code in column] == ["ZZZZZZ.ZZZZZ", "600000.SH"]


@pytest.mark.parametrize("code", [-1, 5, 38 * 40**11, 40**12, 2**64, pack("A") + 1])
def test_a_number_that_pack_never_makes_is_refused(code):
    with pytest.raises(SymbolError, match="is not allowed"):
        unpack(code)
