"""Packing loses nothing and keeps the order, so a sorted column of integers is a sorted column of symbols."""

from hypothesis import given
from hypothesis import strategies as st

from dfp.market.symbols import SymbolError, normalize, pack, unpack

texts = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.", max_size=12)
symbols = st.from_regex(r"[0-9]{6}\.(SH|SZ|BJ)|[A-Z]{1,2}[0-9]{4}\.CF", fullmatch=True).filter(str.isascii)


@given(texts)
def test_what_is_packed_comes_back(text):
    code = pack(text)
    assert 0 <= code < 2**64
    assert unpack(code) == text


@given(texts, texts)
def test_packed_symbols_sort_as_their_texts_do(first, second):
    assert (pack(first) < pack(second)) == (first < second)


@given(st.integers(0, 2**64 - 1))
def test_any_number_is_either_refused_or_the_packed_form_of_its_text(code):
    try:
        text = unpack(code)
    except SymbolError:
        return
    assert pack(text) == code


@given(symbols)
def test_a_symbol_has_one_spelling(symbol):
    assert normalize(symbol) == symbol
    assert normalize(f"  {symbol.lower()}\t") == symbol


@given(st.text())
def test_hostile_text_is_normalised_or_refused_with_the_one_error(text):
    try:
        symbol = normalize(text)
    except SymbolError:
        return
    assert normalize(symbol) == symbol
    assert unpack(pack(symbol)) == symbol
