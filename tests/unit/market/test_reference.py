"""Reference data: what a table says, what it leaves unknown, and what a wrong table is told."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dfp.market import reference_file
from dfp.market.reference import DailyBar, Facts, ReferenceData, ReferenceDataError

HEADER = "symbol,session,pre_close,limit_up,limit_down,factor,sector,st,open,high,low,close,volume"
DAYS = (20261118, 20261119, 20261120, 20261123, 20261124)
TODAY = 20261125


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(*rows: str, header: str = HEADER, name: str = "reference.csv") -> Path:
        path = tmp_path / name
        data = "\n".join((header, *rows, "")).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


def bars(symbol: str = "600000.SH", factor: float = 1.0) -> list[str]:
    return [f"{symbol},{day},,,,{factor},,,10,11,9,10.{day % 10}0,{day}" for day in DAYS]


def test_facts_are_those_of_the_very_day(write: Callable[..., Path]) -> None:
    reference = ReferenceData.load([write(f"600000.SH,{TODAY},10.00,11.00,9.00,1,banks,false,,,,,")])
    assert reference.facts("600000.SH", TODAY) == Facts(100_000, 110_000, 90_000, "banks", st=False)
    assert reference.facts("600000.SH", TODAY - 1) == Facts()
    assert reference.facts("600000.SH", TODAY + 1) == Facts()
    assert reference.facts("600001.SH", TODAY) == Facts()


def test_an_empty_cell_and_an_absent_column_are_unknown_one_by_one(write: Callable[..., Path]) -> None:
    reference = ReferenceData.load([write(f"000001.SZ,{TODAY},,,,,software,,,,,,", f"600000.SH,{TODAY},,11,,,,1,,,,,")])
    assert reference.facts("000001.SZ", TODAY) == Facts(sector="software")
    assert reference.facts("600000.SH", TODAY) == Facts(limit_up=110_000, st=True)
    narrow = ReferenceData.load([write(f"000001.SZ,{TODAY}", header="symbol,session")])
    assert narrow.facts("000001.SZ", TODAY) == Facts()


@pytest.mark.parametrize("sentinel", ["0", "99999.99", "100000"])
def test_a_vendors_sentinel_is_known_to_be_no_limit(write: Callable[..., Path], sentinel: str) -> None:
    reference = ReferenceData.load([write(f"600000.SH,{TODAY},10,{sentinel},{sentinel},,,,,,,,")])
    facts = reference.facts("600000.SH", TODAY)
    assert (facts.limit_up, facts.limit_down) == (0, 0)


@pytest.mark.parametrize(("text", "st"), [("true", True), ("False", False), ("1", True), ("0", False), ("", None)])
def test_an_st_flag_is_yes_no_or_unknown(write: Callable[..., Path], text: str, st: bool | None) -> None:
    path = write(f"600000.SH,{TODAY},{text}", header="symbol,session,st")
    assert ReferenceData.load([path]).facts("600000.SH", TODAY).st is st


def test_nothing_is_known_without_files() -> None:
    for reference in (ReferenceData.empty(), ReferenceData.load([])):
        assert reference.facts("600000.SH", TODAY) == Facts()
        assert reference.daily_bars("600000.SH", TODAY) is None
        assert len(reference) == 0


def test_daily_bars_are_the_last_ones_before_the_day(write: Callable[..., Path]) -> None:
    reference = ReferenceData.load([write(*bars(), f"600000.SH,{TODAY},,,,1,,,10,12,9,11,5")])
    found = reference.daily_bars("600000.SH", TODAY, 3)
    assert found is not None
    assert [bar.session for bar in found] == [20261120, 20261123, 20261124]
    assert found[-1] == DailyBar(20261124, 100_000, 110_000, 90_000, 104_000, 20261124)
    assert reference.daily_bars("600000.SH", 20261124, 4) == reference.daily_bars("600000.SH", TODAY, 5)[:4]


def test_daily_bars_are_on_the_price_level_of_the_day_that_is_asked_for(write: Callable[..., Path]) -> None:
    # Ten for ten on the day: the price halves, the cumulative factor doubles.
    reference = ReferenceData.load([write(*bars(factor=1.5), f"600000.SH,{TODAY},5.20,,,3.0,,,,,,,")])
    found = reference.daily_bars("600000.SH", TODAY, 5)
    assert found is not None
    assert found[-1] == DailyBar(20261124, 50_000, 55_000, 45_000, 52_000, 20261124)
    assert reference.daily_bars("600000.SH", 20261124, 4)[0].high == 110_000  # before it, prices stand as they were


@pytest.mark.parametrize(
    "rows",
    [
        [*bars()],  # nothing of the day itself: the table may be of last month
        [*bars(), f"600000.SH,{TODAY},10,,,,,,,,,,"],  # its factor is unknown
        [*bars()[1:], f"600000.SH,{TODAY},,,,1,,,,,,,"],  # four bars only
        [*bars()[1:], "600000.SH,20261118,,,,,,,10,11,9,10,5", f"600000.SH,{TODAY},,,,1,,,,,,,"],  # a factor is missing
        [*bars()[1:], "600000.SH,20261118,10,,,1,,,,,,,", f"600000.SH,{TODAY},,,,1,,,,,,,"],  # a bar is missing
        [*bars("600001.SH"), f"600000.SH,{TODAY},,,,1,,,,,,,"],  # of another symbol
    ],
)
def test_daily_bars_are_unknown_where_something_is_missing(write: Callable[..., Path], rows: list[str]) -> None:
    assert ReferenceData.load([write(*rows)]).daily_bars("600000.SH", TODAY, 5) is None


def test_a_suspended_day_has_no_bar_and_is_passed_over(write: Callable[..., Path]) -> None:
    suspended = f"600000.SH,{DAYS[2]},,,,1,,,,,,,"
    reference = ReferenceData.load([write(*bars()[:2], suspended, *bars()[3:], f"600000.SH,{TODAY},,,,1,,,,,,,")])
    found = reference.daily_bars("600000.SH", TODAY, 4)
    assert found is not None
    assert [bar.session for bar in found] == [20261118, 20261119, 20261123, 20261124]


def test_of_several_files_a_later_one_wins_where_it_knows_a_cell(write: Callable[..., Path]) -> None:
    first = write(f"600000.SH,{TODAY},10.00,,,1,banks,,,,,,", f"000002.SZ,{TODAY},,,,,property,,,,,,", name="a.csv")
    second = write(f"600000.SH,{TODAY},10.10,,,,,true", header=HEADER.partition(",open")[0], name="b.csv.gz")
    third = write(f"000001.SZ,{TODAY},banks", header="symbol,session,sector", name="c.csv")
    reference = ReferenceData.load([first, second, third])
    assert reference.facts("600000.SH", TODAY) == Facts(101_000, sector="banks", st=True)
    assert reference.facts("000001.SZ", TODAY).sector == "banks"
    assert reference.facts("000002.SZ", TODAY).sector == "property"
    assert ReferenceData.load([second, first]).facts("600000.SH", TODAY).pre_close == 100_000


def test_symbols_are_taken_in_any_spelling_and_rows_in_any_order(write: Callable[..., Path]) -> None:
    rows = [f"600000.sh,{TODAY},,,,1,,,,,,,", *reversed(bars()), f"000001.SZ,{TODAY},10,,,,,,,,,,"]
    reference = ReferenceData.load([write(*rows)])
    assert len(reference.daily_bars("600000.SH", TODAY, 5) or ()) == 5
    assert reference.facts("000001.SZ", TODAY).pre_close == 100_000


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("nonsense,20261125,,,,,,,,,,,", ["symbol: 'nonsense'", "600000.SH"]),
        (",20261125,,,,,,,,,,,", ["symbol: None"]),
        ("600000.SH,,,,,,,,,,,,", ["session: None", "yyyymmdd"]),
        ("600000.SH,20261331,,,,,,,,,,,", ["session: '20261331'"]),
        ("600000.SH,20261125.5,,,,,,,,,,,", ["session: '20261125.5'"]),
        ("600000.SH,yesterday,,,,,,,,,,,", ["session: 'yesterday'"]),
        ("600000.SH,20261125,ten,,,,,,,,,,", ["pre_close: 'ten'", "price above 0"]),
        ("600000.SH,20261125,0,,,,,,,,,,", ["pre_close: '0'"]),
        ("600000.SH,20261125,1_0,,,,,,,,,,", ["pre_close: '1_0'"]),
        ("600000.SH,20261125,,-1,,,,,,,,,", ["limit_up: '-1'"]),
        ("600000.SH,20261125,,,inf,,,,,,,,", ["limit_down: 'inf'"]),
        ("600000.SH,20261125,,,,0,,,,,,,", ["factor: '0'"]),
        ("600000.SH,20261125,,,,,,maybe,,,,,", ["st: 'maybe'", "true, false, 1, 0"]),
        ("600000.SH,20261125,,,,,,,10,11,9,,5", ["close: None", "all of open, high, low, close, volume"]),
        ("600000.SH,20261125,,,,,,,10,11,9,10,", ["volume: None"]),
        ("600000.SH,20261125,,,,,,,10,11,9,10,-5", ["volume: '-5'", "shares"]),
        ("600000.SH,20261125,,,,,,,12,11,9,10,5", ["open: '12'", "low to its high"]),
        ("600000.SH,20261125,,,,,,,10,11,9,8,5", ["close: '8'"]),
        ("600000.SH,20261118,,,,,,,,,,,", ["session: '20261118'", "one row a symbol and day"]),
    ],
)
def test_a_wrong_cell_is_named_with_file_row_column_value_and_what_is_allowed(
    write: Callable[..., Path], row: str, words: list[str]
) -> None:
    path = write(*bars(), row)
    with pytest.raises(ReferenceDataError) as error:
        ReferenceData.load([path])
    message = str(error.value)
    assert message.startswith(f"{path}, row 6: ")
    assert [word for word in (*words, "is not allowed; expected") if word not in message] == [], message


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("symbol,session,sektor", ["600000.SH,20261125,x"], ["'sektor'", "did you mean 'sector'?"]),
        ("symbol,session,zzz", ["600000.SH,20261125,x"], ["'zzz'", "symbol, session, pre_close"]),
        ("symbol,session,st,st", ["600000.SH,20261125,1,1"], ["'st'", "each once"]),
        ("symbol,pre_close", ["600000.SH,10"], ["'session' is missing"]),
        ("symbol,session", [], ["has no rows"]),
        ("symbol,session", ["600000.SH,20261125,1"], ["cannot be read"]),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_wrong(
    write: Callable[..., Path], header: str, rows: list[str], words: list[str]
) -> None:
    path = write(*rows, header=header)
    with pytest.raises(ReferenceDataError) as error:
        ReferenceData.load([path])
    assert [word for word in (str(path), *words) if word not in str(error.value)] == [], str(error.value)


def test_a_missing_file_another_ending_and_another_format_are_refused(tmp_path: Path) -> None:
    other, broken, latin = tmp_path / "r.xlsx", tmp_path / "r.parquet", tmp_path / "r.csv"
    other.touch()
    broken.write_bytes(b"not what its name says")
    latin.write_bytes(f"{HEADER}\n600000.SH,{TODAY},,,,,银行,,,,,,\n".encode("gbk"))
    for path, expected in (
        (tmp_path / "none.csv", "no such file"),
        (other, "allowed are .parquet, .csv, .csv.gz"),
        (broken, "cannot be read"),
        (latin, "UTF-8"),
    ):
        with pytest.raises(ReferenceDataError, match=str(path)) as error:
            ReferenceData.load([path])
        assert expected in str(error.value)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"session": pa.array([0]).cast(pa.timestamp("s"))}, "column 'session' has type timestamp"),
        ({"sector": [["a"]]}, "column 'sector' has type list"),
        ({"symbol": [b"600000.SH"]}, "column 'symbol' has type binary"),
    ],
)
def test_a_column_of_another_type_is_refused(tmp_path: Path, columns: dict[str, Any], expected: str) -> None:
    path = tmp_path / "reference.parquet"
    pq.write_table(pa.table({"symbol": ["600000.SH"], "session": [TODAY], **columns}), path)
    with pytest.raises(ReferenceDataError, match=expected):
        ReferenceData.load([path])


@pytest.mark.parametrize("name", ["copy.parquet", "copy.csv"])
def test_what_is_written_is_read_back_as_it_was(write: Callable[..., Path], tmp_path: Path, name: str) -> None:
    rows = [*bars(factor=1.25), f"600000.SH,{TODAY},10.40,0,,1.25,银行,0,,,,,", f"920001.BJ,{TODAY},,,,,,1,,,,,"]
    reference = ReferenceData.load([write(*rows)])
    reference_file.write(reference, tmp_path / name)
    copy = ReferenceData.load([tmp_path / name])
    assert len(copy) == len(reference) == 7
    for symbol in ("600000.SH", "920001.BJ"):
        for day in (*DAYS, TODAY):
            assert copy.facts(symbol, day) == reference.facts(symbol, day)
    assert copy.daily_bars("600000.SH", TODAY, 5) == reference.daily_bars("600000.SH", TODAY, 5) is not None


def test_a_file_is_written_as_parquet_or_csv_only(tmp_path: Path) -> None:
    with pytest.raises(ReferenceDataError, match=r"\.parquet or \.csv"):
        reference_file.write(ReferenceData.empty(), tmp_path / "reference.json")


def test_the_example_of_the_documentation_is_a_table(write: Callable[..., Path]) -> None:
    document = (Path(__file__).parents[3] / "docs" / "reference_data.md").read_text()
    header, *rows = [line.strip() for line in document.splitlines() if line.startswith("    ") and line.count(",") > 9]
    assert header == HEADER
    reference = ReferenceData.load([write(*rows)])
    assert reference.facts("600000.SH", TODAY) == Facts(100_000, 110_000, 90_000, "banks", st=False)
    assert reference.daily_bars("600000.SH", TODAY, 1) == (
        DailyBar(20261124, 99_900, 101_000, 99_000, 100_000, 31_415_900),
    )
