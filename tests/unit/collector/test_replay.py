"""Files as feeds: what is read, what is refused, and where reading goes on."""

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dfp.collector.csv_file import BLOCK_LINES, LONGEST_LINE
from dfp.collector.feed import FeedError, RawBatch
from dfp.collector.replay import ReplayFeed
from raw_rows import conserved, dead_letters, moment, read, run

HEADER = "symbol,time,last,volume,turnover,bid1,ask1,bid1_volume,ask1_volume,pre_close,limit_up,limit_down"
GOOD = "600000.SH,2026-11-25 10:00:{second:02d},10.01,{volume},1001.5,10.01,10.02,500,700,10.00,11.00,9.00"


def lines(count: int) -> list[str]:
    return [GOOD.format(second=second, volume=100 * second) for second in range(count)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str | bytes | Sequence[str], name: str = "ticks.csv") -> Path:
        path = tmp_path / name
        content = text if isinstance(text, str | bytes) else "\n".join((HEADER, *text)) + "\n"
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


def table(path: Path, rows: int = 3, **columns: Any) -> Path:
    plain: dict[str, Any] = {
        "symbol": ["600000.SH"] * rows,
        "time": pa.array([moment(f"10:00:{second:02d}") for second in range(rows)]),
        "last": [10.01] * rows,
    }
    pq.write_table(pa.table({**plain, **columns}), path, row_group_size=2)
    return path


def everything(feed: ReplayFeed, after: int = 0) -> list[RawBatch]:
    return list(feed.batches(after))


def numbers(batches: Sequence[RawBatch]) -> list[int]:
    return [number for batch in batches for number in batch.rows["number"].tolist()]


@pytest.mark.parametrize("name", ["ticks.csv", "ticks.csv.gz"])
def test_a_plain_csv_file_is_read_whole(write: Callable[..., Path], name: str) -> None:
    ticks = read(run(everything(ReplayFeed([write(lines(4), name)])))).ticks
    assert ticks["time"].tolist() == [moment(f"10:00:0{second}") for second in range(4)]
    assert ticks["volume"].tolist() == [0, 100, 100, 100]
    assert set(ticks["last"]) == {100_100}
    assert (ticks["bid1_volume"][0], ticks["limit_up"][0], ticks["limit_down"][0]) == (500, 110_000, 90_000)


def test_only_symbol_time_and_last_are_needed(write: Callable[..., Path]) -> None:
    path = write("symbol,time,last\n600000.SH,2026-11-25T10:00:00,10.01\n")
    ticks = read(run(everything(ReplayFeed([path])))).ticks
    assert (ticks["last"][0], ticks["volume"][0], ticks["bid1"][0], ticks["limit_up"][0]) == (100_100, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25 10:00:00.5",
        "2026-11-25T10:00:00.500000",
        "2026-11-25T02:00:00.5Z",
        "2026-11-25 10:00:00.5+08:00",
        str(moment("10:00:00.5")),
    ],
)
def test_times_are_exchange_time_or_name_their_offset_or_are_utc_nanoseconds(
    write: Callable[..., Path], text: str
) -> None:
    for others in ((), ("600000.SH,never,1",)):  # a column with a bad cell is read cell by cell
        path = write("\n".join(("symbol,time,last", f"600000.SH,{text},1", *others)))
        (batch,) = everything(ReplayFeed([path]))
        assert batch.rows["time"].tolist() == [moment("10:00:00.5")]


@pytest.mark.parametrize(
    ("row", "field", "shown"),
    [
        (GOOD.format(second=1, volume="many"), "volume", "'many'"),
        (GOOD.format(second=1, volume="1_000"), "volume", "'1_000'"),
        ("600000.SH,yesterday,1,,,,,,,,,", "time", "'yesterday'"),
        ("600000.SH,,1,,,,,,,,,", "time", "None"),
        ("600000.SH,1795572000,1,,,,,,,,,", "time", "'1795572000'"),
        ("600000.SH,2300-01-01 10:00:00,1,,,,,,,,,", "time", "'2300-01-01 10:00:00'"),
        (",2026-11-25 10:00:01,1,,,,,,,,,", "symbol", "None"),
        ("600000.SH,2026-11-25 10:00:01", "", "600000.SH"),
        (GOOD.format(second=1, volume=1) + ",1", "", "600000.SH"),
        ('600000.SH,"2026-11-25 10:00:01,1,,,,,,,,,', "", "600000.SH"),
        ("600000.SH,2026-11-25 10:00:01,1\r,,,,,,,,,", "", "600000.SH"),
    ],
)
def test_a_row_that_does_not_parse_names_row_field_and_value_and_stops_nothing(
    write: Callable[..., Path], row: str, field: str, shown: str
) -> None:
    path = write([lines(1)[0], row, GOOD.format(second=3, volume=300)])
    work = run(everything(ReplayFeed([path])))
    assert work.counts["accepted"] == 2
    assert work.counts["rejected/unparsable"] == 1
    assert conserved(work)
    (letter,) = dead_letters(work)
    assert f"{path}, row 2: {field}" in letter.detail
    assert shown in letter.detail
    assert "expected" in letter.detail
    assert "600000.SH" in base64.b64decode(letter.record).decode() or field == "symbol"


def test_a_number_with_spaces_around_it_is_a_number(write: Callable[..., Path]) -> None:
    path = write("symbol,time,last,bid1\n600000.SH, 2026-11-25 10:00:00 , 10.01 , \n")
    (batch,) = everything(ReplayFeed([path]))
    assert (batch.rows["last"][0], batch.refused) == (10.01, ())
    assert np.isnan(batch.rows["bid1"][0])


def test_bytes_that_are_no_text_are_a_dead_letter(write: Callable[..., Path]) -> None:
    body = "\n".join((HEADER, *lines(2))).encode() + b"\n\xff\xfe\x00,1,2\n"
    work = run(everything(ReplayFeed([write(body)])))
    assert (work.counts["accepted"], work.counts["rejected/unparsable"]) == (2, 1)


def test_an_endless_line_is_refused_in_pieces(write: Callable[..., Path]) -> None:
    body = "\n".join((HEADER, lines(1)[0], "x" * (2 * LONGEST_LINE), lines(1)[0].replace("10.01", "10.02")))
    work = run(everything(ReplayFeed([write(body)])))
    assert work.counts["accepted"] == 2
    assert work.counts["rejected/unparsable"] >= 2
    assert conserved(work)


def test_a_file_of_nothing_but_bad_rows_is_read_to_its_end(write: Callable[..., Path]) -> None:
    (batch,) = everything(ReplayFeed([write(["a,b", "c,d"])]))
    assert (len(batch), len(batch.refused), batch.position) == (0, 2, 2)


def test_blank_lines_and_carriage_returns_are_no_rows(write: Callable[..., Path]) -> None:
    path = write("\r\n".join((HEADER, lines(1)[0], "", lines(2)[1], "", "")))
    assert numbers(everything(ReplayFeed([path]))) == [1, 2]


def test_a_byte_order_mark_and_quotes_are_taken_off(write: Callable[..., Path]) -> None:
    path = write('\ufeff"symbol","time","last"\n"600000.SH","2026-11-25 10:00:00","10.01"\n')
    assert read(run(everything(ReplayFeed([path])))).symbols == ["600000.SH"]


def test_a_repeated_line_is_an_exact_duplicate(write: Callable[..., Path]) -> None:
    work = run(everything(ReplayFeed([write([*lines(2), lines(2)[1]])])))
    assert (work.counts["accepted"], work.counts["rejected/exact-duplicate"]) == (2, 1)


def test_rows_are_numbered_through_all_blocks_and_files(write: Callable[..., Path], tmp_path: Path) -> None:
    first = write([lines(1)[0]] * (BLOCK_LINES + 5), "a.csv.gz")
    second = table(tmp_path / "b.parquet", 5)
    third = write(lines(2), "c.csv")
    feed = ReplayFeed([first, second, third])
    total = BLOCK_LINES + 5 + 5 + 2
    assert numbers(everything(feed)) == list(range(1, total + 1))
    assert [batch.position for batch in everything(feed)][-1] == total
    for after in (1, BLOCK_LINES, BLOCK_LINES + 4, BLOCK_LINES + 5, BLOCK_LINES + 8, total - 2, total - 1, total):
        assert numbers(everything(feed, after)) == list(range(after + 1, total + 1))


def test_a_damaged_archive_ends_with_a_dead_letter_and_the_next_file_is_read(write: Callable[..., Path]) -> None:
    path = write([GOOD.format(second=index % 60, volume=index) for index in range(9_000)], "a.csv.gz")
    path.write_bytes(path.read_bytes()[:-200])
    feed = ReplayFeed([path, write(lines(2))])
    batches = everything(feed)
    (lost,) = (row for batch in batches for row in batch.refused if row.reason == "unreadable")
    assert str(path) in lost.detail
    readable = lost.number - 1
    assert numbers(batches) == [*range(1, readable + 1), lost.number + 1, lost.number + 2]
    assert numbers(everything(feed, lost.number)) == [lost.number + 1, lost.number + 2]
    assert [row.number for batch in everything(feed, readable) for row in batch.refused] == [lost.number]


def test_a_damaged_parquet_file_ends_with_a_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    rows = 40_000
    prices = np.random.default_rng(1).random(rows)
    columns = {"symbol": ["600000.SH"] * rows, "time": pa.array([moment("10:00:00")] * rows), "last": prices}
    pq.write_table(pa.table(columns), path, row_group_size=10_000, use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 1  # one bit, in the third row group
    feed = ReplayFeed([path])
    path.write_bytes(content)
    batches = everything(feed)
    (lost,) = (row for batch in batches for row in batch.refused)
    assert lost.reason == "unreadable"
    assert batches[-1].position == rows
    assert 0 < len(numbers(batches)) == lost.number - 1 < rows


def test_unparsable_cells_of_a_parquet_file_are_dead_letters(tmp_path: Path) -> None:
    path = table(
        tmp_path / "ticks.parquet",
        symbol=["600000.SH", None, "600000.SH"],
        time=pa.array(["2026-11-25 10:00:00", "2026-11-25 10:00:01", None]),
    )
    work = run(everything(ReplayFeed([path])))
    assert (work.counts["accepted"], work.counts["rejected/unparsable"]) == (1, 2)
    details = [letter.detail for letter in dead_letters(work)]
    assert ["row 2: symbol: None" in details[0], "row 3: time: None" in details[1]] == [True, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_are_exchange_time_or_their_own_zone(tmp_path: Path, unit: str) -> None:
    utc = pa.array([moment("10:00:00") // 10**9] * 3, pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp(unit))
    local = pa.array([moment("10:00:00") // 10**9 + 8 * 3600] * 3, pa.int64()).cast(pa.timestamp("s"))
    for column in (utc.cast(pa.timestamp(unit, "UTC")), local.cast(pa.timestamp(unit))):
        (first, *_) = everything(ReplayFeed([table(tmp_path / "t.parquet", time=column)]))
        assert first.rows["time"][0] == moment("10:00:00")


def test_a_snapshot_file_and_a_futures_file_are_recognised(tmp_path: Path) -> None:
    columns = {
        "symbol": pa.array(["IF2101.CFFEX"]).dictionary_encode(),
        "ts": pa.array([moment("10:00:00", "2021-01-04") // 1000 + 8 * 3600 * 10**6]).cast(pa.timestamp("us")),
        "phase": ["TRADE"],
        "last": [5230.0],
        "cum_volume": pa.array([240], pa.uint32()),
        "cum_turnover": [376_560_000.0],
        "bid1": [5230.0],
        "bid_qty1": pa.array([1], pa.uint32()),
        "bid10": [5220.0],
        "ask_qty7": pa.array([3], pa.uint32()),
        "open_interest": pa.array([90_767], pa.uint32()),
        "pre_settle": [5216.2],
    }
    path = tmp_path / "ticks.parquet"
    pq.write_table(pa.table(columns), path)
    log = read(run(everything(ReplayFeed([path]))))
    assert log.symbols == ["IF2101.CF"]
    assert (log.ticks["volume"][0], log.ticks["bid1_volume"][0]) == (240, 1)


def test_rows_that_differ_in_a_column_that_is_not_kept_are_no_duplicates(tmp_path: Path) -> None:
    columns = {
        "symbol": ["600000.SH"] * 4,
        "ts": pa.array([moment("10:00:00") // 1000 + 8 * 3600 * 10**6] * 4).cast(pa.timestamp("us")),
        "last": [10.0] * 4,
        "ask9": [11.0, 11.01, None, 11.0],
        "phase": ["T", "T", "T", "T"],
    }
    path = tmp_path / "ticks.parquet"
    pq.write_table(pa.table(columns), path)
    work = run(everything(ReplayFeed([path])))
    assert (work.counts["accepted"], work.counts["rejected/exact-duplicate"]) == (3, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["symbol,time,lats", "a,b,c"], "unknown column 'lats'; did you mean 'last'?"),
        (["symbol,time,last,limitup", "a,b,c,d"], "unknown column 'limitup'; did you mean 'limit_up'?"),
        (["symbol,time,last,zzz", "a,b,c,d"], "unknown column 'zzz'; The plain layout has symbol, time"),
        (["symbol,ts,last,cum_vol", "a,b,c,d"], "unknown column 'cum_vol'; did you mean 'cum_volume'?"),
        (["symbol,time", "a,b"], "column 'last' is missing"),
        (["symbol,time,last,last", "a,b,c,d"], "column 'last' is there 2 times"),
        (["", "a,b"], "column 'symbol' is missing; the file has none"),
        (["symbol,time,last"], "the file has no rows"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(write: Callable[..., Path], text: list[str], expected: str) -> None:
    path = write("\n".join(text))
    with pytest.raises(FeedError) as error:
        ReplayFeed([path])
    assert str(error.value).startswith(f"{path}: ")
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"last": ["10.01"] * 3}, "column 'last' has type string; expected numbers"),
        ({"symbol": [600_000] * 3}, "column 'symbol' has type int64; expected text"),
        ({"time": [1.5] * 3}, "column 'time' has type double; expected timestamps, text, or UTC nanoseconds"),
        ({"bid1": [b"x"] * 3}, "column 'bid1' has type binary; expected numbers"),
    ],
)
def test_a_column_of_another_type_is_refused(tmp_path: Path, columns: dict[str, Any], expected: str) -> None:
    with pytest.raises(FeedError, match="expected") as error:
        ReplayFeed([table(tmp_path / "ticks.parquet", **columns)])
    assert expected in str(error.value)


def test_a_column_that_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    pq.write_table(pa.table({"symbol": ["a"], "ts": [1], "last": [1.0], "phase": [[1]]}), path)
    with pytest.raises(FeedError, match="column 'phase' has type list"):
        ReplayFeed([path])


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    pq.write_table(pa.table({"symbol": ["a"], "time": [1], "last": [1.0]}).slice(1), path)
    with pytest.raises(FeedError, match="has no rows"):
        ReplayFeed([path])


@pytest.mark.parametrize("name", ["ticks.parquet", "ticks.csv.gz"])
def test_a_file_of_another_format_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not what its name says")
    with pytest.raises(FeedError, match=str(path)):
        ReplayFeed([path])


def test_a_missing_file_a_folder_an_unknown_ending_and_no_file_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "ticks.xlsx"
    other.touch()
    for path, expected in ((tmp_path / "x.csv", "no such file"), (tmp_path, "not a file"), (other, ".csv.gz")):
        with pytest.raises(FeedError, match=expected):
            ReplayFeed([path])
    with pytest.raises(FeedError, match="name at least one"):
        ReplayFeed([])


def test_a_dead_letter_of_a_parquet_row_shows_the_row(tmp_path: Path) -> None:
    path = table(tmp_path / "ticks.parquet", symbol=[None, "600000.SH", "600000.SH"])
    (letter,) = dead_letters(run(everything(ReplayFeed([path]))))
    assert json.loads(base64.b64decode(letter.record))["last"] == 10.01
