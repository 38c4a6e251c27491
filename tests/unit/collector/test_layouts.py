"""The layouts of market data: what a row of each becomes."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from dfp.collector.feed import FeedError
from dfp.collector.file_schema import LAYOUTS, Layout
from dfp.collector.replay import ReplayFeed
from dfp.contracts.frame import LEVEL_COLUMNS, TICK_COLUMNS
from dfp.market.phases import Phase
from raw_rows import Log, collector, dead_letters, moment, read, run

TRADES = "symbol,ts,price,qty,side,buy_no,sell_no"
BARS = "symbol,ts,open,high,low,close,volume,turnover"
TDX_TRADES = "symbol,ts,price,lots,buyorsell"
TDX_MINUTES = "symbol,ts,price,lots"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(header: str, *rows: str, name: str = "rows.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join((header, *rows, "")))
        return path

    return write_file


def replay(*paths: Path, levels: int = 1) -> Log:
    return read(run(ReplayFeed(paths, levels).batches(0), collector(levels=levels)))


def column(log: Log, name: str) -> list[Any]:
    return log.ticks[name].tolist()


def test_a_trade_is_a_tick_with_its_own_volume_and_turnover(write: Callable[..., Path]) -> None:
    log = replay(
        write(
            TRADES,
            "600000.SH,2026-11-25 10:00:00.010,10.00,100,B,1,2",
            "600000.SH,2026-11-25 10:00:00.010,10.01,250,S,3,4",
            "600000.SH,2026-11-25 10:00:01.500,10.02,7,N,5,6",
        )
    )
    assert column(log, "last") == [100_000, 100_100, 100_200]
    assert column(log, "volume") == [100, 250, 7]
    assert column(log, "turnover") == [10.0 * 100, 10.01 * 250, 10.02 * 7]
    assert column(log, "n") == [1, 2, 3]
    assert set(column(log, "bid1") + column(log, "ask1")) == {0}


def test_the_first_trade_of_continuous_trading_holds_the_auctions_trades(write: Callable[..., Path]) -> None:
    auction = [f"600000.SH,2026-11-25 09:25:00,10.00,{quantity},N,1,{quantity}" for quantity in (100, 200, 300)]
    other = "000001.SZ,2026-11-25 09:30:00,5.00,50,B,1,2"
    log = replay(
        write(
            TRADES,
            *auction,
            other,
            *(f"600000.SH,2026-11-25 09:30:0{second},10.0,10,B,8,9" for second in (1, 2)),
        )
    )
    assert column(log, "volume") == [0, 0, 0, 50, 610, 10]
    assert column(log, "turnover") == [0.0, 0.0, 0.0, 250.0, 6_100.0, 100.0]


def test_a_trade_may_bring_its_turnover(write: Callable[..., Path]) -> None:
    log = replay(write("symbol,ts,price,qty,turnover", "600000.SH,2026-11-25 10:00:00,10,100,999.5"))
    assert column(log, "turnover") == [999.5]


def test_hundreds_of_trades_of_one_instant_are_all_kept_in_their_order(write: Callable[..., Path]) -> None:
    rows = [f"000001.SZ,2026-11-25 10:00:00,{10 + index / 100:.2f},1,S,{index},1" for index in range(699)]
    log = replay(write(TRADES, *rows))
    assert column(log, "n") == list(range(1, 700))
    assert column(log, "last") == [100_000 + 100 * index for index in range(699)]
    assert sum(column(log, "volume")) == 699


def test_two_equal_trades_are_two_unless_order_numbers_tell_that_they_are_one(write: Callable[..., Path]) -> None:
    row = "600000.SH,2026-11-25 10:00:00,10.00,100"
    assert column(replay(write("symbol,ts,price,qty", row, row)), "volume") == [100, 100]
    assert column(replay(write(TDX_TRADES, *[row + ",0"] * 2)), "volume") == [10_000, 10_000]
    work = run(ReplayFeed([write(TRADES, *[row + ",B,1,2"] * 2)]).batches(0))
    assert (work.counts["accepted"], work.counts["rejected/exact-duplicate"]) == (1, 1)


@pytest.mark.parametrize(
    ("label", "time", "phase"),
    [
        ("09:31:00", "09:30:59.999", Phase.CONTINUOUS),
        ("11:30:00", "11:29:59.999", Phase.CONTINUOUS),
        ("13:01:00", "13:00:59.999", Phase.CONTINUOUS),
        ("14:57:00", "14:56:59.999", Phase.CONTINUOUS),
        ("15:00:00", "14:59:59.999", Phase.CLOSING_CALL),
    ],
)
def test_a_bar_is_a_tick_at_the_close_of_the_minute_that_its_label_ends(
    write: Callable[..., Path], label: str, time: str, phase: Phase
) -> None:
    log = replay(write(BARS, f"000001.SZ,2026-11-25 {label},13.35,13.39,13.30,13.38,2003635,26785576.72"))
    assert column(log, "time") == [moment(time)]
    assert column(log, "phase") == [phase]
    assert column(log, "last") == [133_800]
    assert column(log, "volume") == [2_003_635]
    assert column(log, "turnover") == [26_785_576.72]


def test_a_bar_of_an_index_may_have_no_turnover_and_a_marked_symbol(write: Callable[..., Path]) -> None:
    row = "000001.SH(index),2026-11-25 10:00:00,3214.66,3215.41,3214.06,3215.12,5390247.0"
    log = replay(write("symbol,ts,open,high,low,close,volume", row))
    assert log.symbols == ["000001.SH"]
    assert column(log, "last") == [32_151_200]
    assert (column(log, "limit_up"), column(log, "turnover")) == ([0], [0.0])


def test_a_tdx_trade_counts_lots_of_100_shares(write: Callable[..., Path]) -> None:
    log = replay(
        write(TDX_TRADES, "600000.SH,2026-11-25 10:00:03,10.82,53,2", "600000.SH,2026-11-25 10:00:06,10.8,0,1")
    )
    assert column(log, "volume") == [5_300, 0]
    assert column(log, "turnover") == [pytest.approx(57_346.0), 0.0]
    assert column(log, "time") == [moment("10:00:03"), moment("10:00:06")]


@pytest.mark.parametrize(
    ("label", "time"), [("09:30:00", "09:30:59.999"), ("11:29:00", "11:29:59.999"), ("14:59:00", "14:59:59.999")]
)
def test_a_tdx_minute_is_a_tick_at_the_end_of_the_minute_that_its_label_begins(
    write: Callable[..., Path], label: str, time: str
) -> None:
    log = replay(write(TDX_MINUTES, f"000001.SH,2026-11-25 {label},2653.66,1155135"))
    assert column(log, "time") == [moment(time)]
    assert column(log, "volume") == [115_513_500]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (TRADES, ["600000.SH,2026-11-25 10:00:00,10.0,100,B,1,2", "600000.SH,2026-11-25 10:00:01,10.1,200,S,3,4"]),
        (BARS, ["600000.SH,2026-11-25 10:00:00,1,2,1,2,100,150", "600000.SH,2026-11-25 10:01:00,1,2,1,1.5,200,300"]),
        (TDX_TRADES, ["600000.SH,2026-11-25 10:00:00,10.0,100,0", "600000.SH,2026-11-25 10:00:01,10.1,200,1"]),
        (TDX_MINUTES, ["600000.SH,2026-11-25 10:00:00,10.0,100", "600000.SH,2026-11-25 10:01:00,10.1,200"]),
    ],
)
def test_a_layout_is_the_same_in_parquet_and_csv(
    write: Callable[..., Path], tmp_path: Path, header: str, rows: Sequence[str]
) -> None:
    path = write(header, *rows)
    pq.write_table(pc.read_csv(path), tmp_path / "rows.parquet")
    once, again = replay(path), replay(tmp_path / "rows.parquet")
    for name in TICK_COLUMNS:
        assert column(once, name) == column(again, name)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("symbol,ts,price,qty,sides", "unknown column 'sides'; The trade layout has symbol, ts, price, qty, turnover"),
        ("symbol,ts,qty", "column 'price' is missing"),
        ("symbol,ts,open,high,low,close,volumes", "unknown column 'volumes'; did you mean 'volume'? The minute bar"),
        ("symbol,time,open,close", "unknown column 'time'"),
        ("symbol,ts,price,lots,side", "unknown column 'side'; The TDX minute layout has symbol, ts, price, lots"),
        ("symbol,time,last,bid6", "unknown column 'bid6'; did you mean"),
    ],
)
def test_a_header_that_fits_no_layout_is_refused_by_the_nearest_one(
    write: Callable[..., Path], header: str, expected: str
) -> None:
    with pytest.raises(FeedError) as error:
        ReplayFeed([write(header, "1,2,3")])
    assert expected in str(error.value)


def test_a_bad_quantity_of_a_trade_is_a_dead_letter_that_shows_the_row(write: Callable[..., Path]) -> None:
    good = "600000.SH,2026-11-25 10:00:00,10.00,100,B,1,2"
    path = write(TRADES, good, good.replace(",100,", ",-100,"), good.replace(",100,", ",many,"))
    work = run(ReplayFeed([path]).batches(0))
    assert (work.counts["rejected/bad-quantity"], work.counts["rejected/unparsable"]) == (1, 1)
    details = sorted(letter.detail for letter in dead_letters(work))
    assert "row 3: qty: 'many' is not allowed" in details[0]
    assert "row 2: " in details[1]


LEVELS = {"bid2": 9.99, "bid_qty2": 200, "ask2": 10.02, "ask_qty2": 300, "bid5": 9.9599999999, "ask_qty5": 50}


def deep(tmp_path: Path, **changed: Any) -> Path:
    row = {"symbol": "600000.SH", "ts": "2026-11-25 10:00:00", "last": 10.0, "bid1": 10.0, "ask1": 10.01, **LEVELS}
    path = tmp_path / "deep.parquet"
    pq.write_table(pa.table({name: [value] for name, value in {**row, **changed}.items()}), path)
    return path


def test_five_levels_are_kept_when_they_are_asked_for(tmp_path: Path) -> None:
    log = replay(deep(tmp_path), levels=5)
    assert list(log.frames[0].columns) == [*TICK_COLUMNS, *LEVEL_COLUMNS]
    assert {name: column(log, name)[0] for name in LEVEL_COLUMNS if column(log, name)[0]} == {
        "bid2": 99_900,
        "bid2_volume": 200,
        "ask2": 100_200,
        "ask2_volume": 300,
        "bid5": 99_600,
        "ask5_volume": 50,
    }
    assert {log.ticks[name].dtype for name in LEVEL_COLUMNS} == {np.dtype(np.int64)}


def test_one_level_is_kept_unless_more_are_asked_for(tmp_path: Path) -> None:
    assert list(replay(deep(tmp_path)).frames[0].columns) == list(TICK_COLUMNS)


def test_five_levels_of_a_file_without_them_are_absent(write: Callable[..., Path]) -> None:
    log = replay(write(TRADES, "600000.SH,2026-11-25 10:00:00,10.00,100,B,1,2"), levels=5)
    assert all(column(log, name) == [0] for name in LEVEL_COLUMNS)


def test_a_plain_file_may_have_five_levels(write: Callable[..., Path]) -> None:
    path = write("symbol,time,last,bid2,ask2_volume", "600000.SH,2026-11-25 10:00:00,10,9.99,700")
    log = replay(path, levels=5)
    assert (column(log, "bid2"), column(log, "ask2_volume")) == ([99_900], [700])
    assert list(replay(path).frames[0].columns) == list(TICK_COLUMNS)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("bid2", -1.0, "bad-price"), ("ask2", math.inf, "bad-price"), ("ask_qty5", -1.0, "bad-quantity")],
)
def test_a_deeper_level_is_checked_as_the_first_one_is(tmp_path: Path, name: str, value: float, reason: str) -> None:
    path = deep(tmp_path, **{name: value})
    work = run(ReplayFeed([path], 5).batches(0), collector(levels=5))
    assert work.counts == {"read": 1, f"rejected/{reason}": 1}
    assert run(ReplayFeed([path]).batches(0)).counts["accepted"] == 1


def test_a_collector_of_five_levels_goes_on_from_its_saved_state(write: Callable[..., Path]) -> None:
    rows = [f"600000.SH,2026-11-25 10:00:0{second},10,9.{second}" for second in range(6)]
    feed = ReplayFeed([write("symbol,time,last,bid2", *rows)], 5)
    whole = run(feed.batches(0), collector(levels=5))
    (batch,) = feed.batches(0)
    head, tail = batch.cut(3)
    first = collector(levels=5)
    work = run([], collector(levels=5))
    first.take(head, work)
    second = collector(levels=5)
    second.load(first.save())
    second.take(tail, work)
    second.finish(work)
    assert [write.payload for write in work.writes] == [write.payload for write in whole.writes]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_layout_is_documented_with_its_columns(layout: Layout) -> None:
    document = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    assert [name for name in layout.columns.values() if f"`{name}`" not in document] == []
