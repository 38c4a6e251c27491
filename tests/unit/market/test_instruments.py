"""Every symbol is classified by its prefix and market, or refused by name."""

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dfp.market.instruments import Board, Instrument, InstrumentClass, UnknownInstrument, classify, product
from dfp.market.symbols import SymbolError

SHARE, ETF, BOND = InstrumentClass.SHARE, InstrumentClass.ETF, InstrumentClass.BOND
INDEX, B_SHARE, REIT = InstrumentClass.INDEX, InstrumentClass.B_SHARE, InstrumentClass.REIT
FUTURE, TREASURY_FUTURE = InstrumentClass.FUTURE, InstrumentClass.TREASURY_FUTURE


@pytest.mark.parametrize(
    ("symbols", "cls", "board", "tick"),
    [
        ("600000.SH 601689.SH 603258.SH 605128.SH", SHARE, Board.MAIN, 100),
        ("688218.SH 689009.SH", SHARE, Board.STAR, 100),
        ("000001.SZ 001979.SZ 002594.SZ 003816.SZ", SHARE, Board.MAIN, 100),
        ("300750.SZ 301269.SZ 302132.SZ", SHARE, Board.CHINEXT, 100),
        ("430047.BJ 820001.BJ 830799.BJ 873169.BJ 889001.BJ 920000.BJ", SHARE, Board.BEIJING, 100),
        ("510300.SH 512880.SH 513100.SH 518880.SH 561000.SH 159915.SZ", ETF, Board.NONE, 10),
        ("588000.SH 589000.SH", ETF, Board.STAR, 10),
        ("110059.SH 111001.SH 113050.SH 118003.SH 123107.SZ 127045.SZ 128136.SZ", BOND, Board.NONE, 10),
        ("000001.SH 000300.SH 399001.SZ 399006.SZ 899050.BJ", INDEX, Board.NONE, 1),
        ("900901.SH", B_SHARE, Board.MAIN, 10),
        ("200012.SZ", B_SHARE, Board.MAIN, 100),
        ("508000.SH 180101.SZ", REIT, Board.NONE, 10),
        ("IF2101.CF IH2103.CF IC2412.CF IM2208.CF", FUTURE, Board.NONE, 2_000),
        ("T2406.CF TF2406.CF TS2406.CF", TREASURY_FUTURE, Board.NONE, 50),
        ("TL2406.CF", TREASURY_FUTURE, Board.NONE, 100),
    ],
)
def test_a_covered_prefix_is_classified(symbols, cls, board, tick):
    for symbol in symbols.split():
        assert classify(symbol) == Instrument(symbol, cls, board, tick)


@pytest.mark.parametrize(
    "symbols",
    [
        "602000.SH 604000.SH 730001.SH 501018.SH 519001.SH 204001.SH 127045.SH 399001.SH 920000.SH",
        "004000.SZ 303000.SZ 160105.SZ 112000.SZ 131810.SZ 600000.SZ 900901.SZ",
        "399001.BJ 400001.BJ 921000.BJ 810001.BJ 600000.BJ",
        "XX2101.CF IF2113.CF IF2100.CF",
    ],
)
def test_a_symbol_of_no_covered_kind_is_refused_by_name_with_why(symbols):
    for symbol in symbols.split():
        with pytest.raises(UnknownInstrument, match=f"^symbol '{symbol}' .*; expected") as refused:
            classify(symbol)
        assert isinstance(refused.value, SymbolError)


def test_the_refusal_lists_the_prefixes_of_that_market():
    with pytest.raises(UnknownInstrument, match=r"expected on BJ a code that begins with 43, 82, 83, 87, 88, 920, 899"):
        classify("400001.BJ")


def test_a_number_of_beijing_that_begins_with_9_is_no_b_share_of_shanghai():
    assert classify("920002.BJ").cls is SHARE
    assert classify("900902.SH").cls is B_SHARE


def test_the_same_number_is_an_index_in_shanghai_and_a_bank_in_shenzhen():
    assert classify("000001.SH").cls is INDEX
    assert classify("000001.SZ").cls is SHARE


def test_any_spelling_is_classified_and_another_form_is_refused_as_a_symbol():
    assert classify(" 600000.sh ") == classify("600000.SH")
    with pytest.raises(SymbolError, match="six digits"):
        classify("600000")


def test_a_contract_knows_its_product():
    assert [product(symbol) for symbol in ("IF2101.CF", "T2406.CF")] == ["IF", "T"]


def test_every_symbol_of_the_real_files_is_classified(marketdata):
    vendors = {"IF2101.CFFEX": "IF2101.CF", "000001.SH(index)": "000001.SH"}
    found = {
        symbol
        for file in marketdata.glob("*.parquet")
        for symbol in pc.unique(pq.read_table(file, columns=["symbol"])["symbol"]).to_pylist()
    }
    assert len(found) > 40
    kinds = {classify(vendors.get(symbol, symbol)).cls for symbol in found}
    assert kinds == {SHARE, INDEX, FUTURE}
