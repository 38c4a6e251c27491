"""The real files of trades, bars and five levels: every row is accounted for, and sums are those of the exchange."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dfp.collector.replay import SUFFIXES, ReplayFeed
from dfp.collector.service import sessions_of
from dfp.contracts.frame import LEVEL_COLUMNS, TICK_COLUMNS
from dfp.log.work import Work
from dfp.market.calendar import Calendar
from dfp.market.phases import Phase
from dfp.market.symbols import unpack
from raw_rows import Log, collector, conserved, dead_letters, moment, read, run

ROWS = {
    "ashare_000001_1min_201801.parquet": 5_040,
    "ashare_600000_trades_20200102.parquet": 26_169,
    "ashare_600519_snapshot_20230201.l5.csv.gz": 5_109,
    "ashare_600519_snapshot_20230201.parquet": 5_109,
    "ashare_hikyuu_minline_201812_201902.parquet": 72_240,
    "ashare_hikyuu_trans_201902.parquet": 34_100,
    "ashare_sh30_snapshot_20211201.parquet": 32_972,
    "ashare_sh5_trades_20230711.parquet": 109_616,
    "ashare_sz5_snapshot_20220601.l5.csv.gz": 20_980,
    "ashare_sz5_snapshot_20220601.parquet": 20_980,
    "ashare_trades_20230201.parquet": 175_822,
    "cffex_if2101_ticks_20210104_06.parquet": 84_347,
    "sse_index_1min_201703_201707.parquet": 24_000,
}
REPEATED = {"ashare_600519_snapshot_20230201.l5.csv.gz": 1, "ashare_600519_snapshot_20230201.parquet": 1}

Replay = Callable[[str], tuple[Work, Log]]


@pytest.fixture(scope="module")
def replay(marketdata: Path) -> Replay:
    is_session = sessions_of(Calendar.shanghai())

    @functools.cache
    def replayed(name: str) -> tuple[Work, Log]:
        levels = 5 if ".l5." in name else 1
        work = run(ReplayFeed([marketdata / name], levels).batches(0), collector(is_session=is_session, levels=levels))
        return work, read(work)

    return replayed


def of(log: Log, symbol: str) -> np.ndarray:
    return np.array(log.symbols) == symbol


def test_there_is_no_file_that_nobody_counted(marketdata: Path) -> None:
    assert {path.name for path in marketdata.iterdir() if path.name.endswith(SUFFIXES)} == ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_every_file_is_accounted_for(replay: Replay, name: str) -> None:
    work, log = replay(name)
    repeated = REPEATED.get(name, 0)
    assert work.counts["read"] == ROWS[name]
    assert work.counts["accepted"] == sum(frame.rows for frame in log.frames) == ROWS[name] - repeated
    assert work.counts.get("rejected/exact-duplicate", 0) == repeated
    assert conserved(work)
    assert dead_letters(work) == []


def test_the_trades_of_a_share_add_up_to_the_exchanges_day(replay: Replay) -> None:
    _, log = replay("ashare_trades_20230201.parquet")
    chosen = of(log, "600519.SH")
    assert chosen.sum() == 27_135
    assert log.ticks["volume"][chosen].sum() == 3_397_389
    assert log.ticks["turnover"][chosen].sum() == pytest.approx(6_244_678_924.61, abs=0.005)


@pytest.mark.parametrize(
    ("name", "column", "unit"),
    [
        ("ashare_000001_1min_201801.parquet", "volume", 1),
        ("ashare_600000_trades_20200102.parquet", "qty", 1),
        ("ashare_hikyuu_minline_201812_201902.parquet", "lots", 100),
        ("ashare_hikyuu_trans_201902.parquet", "lots", 100),
        ("ashare_sh5_trades_20230711.parquet", "qty", 1),
        ("ashare_trades_20230201.parquet", "qty", 1),
        ("sse_index_1min_201703_201707.parquet", "volume", 1),
    ],
)
def test_no_share_is_lost_or_counted_twice(replay: Replay, marketdata: Path, name: str, column: str, unit: int) -> None:
    source = pq.read_table(marketdata / name, columns=["symbol", column]).to_pandas()
    _, log = replay(name)
    for symbol, traded in source.groupby("symbol")[column].sum().items():
        ours = str(symbol).removesuffix("(index)")
        assert log.ticks["volume"][of(log, ours)].sum() == unit * int(traded)


def test_699_trades_inside_one_second_keep_the_order_of_the_file(replay: Replay, marketdata: Path) -> None:
    source = pq.read_table(marketdata / "ashare_trades_20230201.parquet").to_pandas()
    source = source[source["symbol"] == "000001.SZ"]
    _, log = replay("ashare_trades_20230201.parquet")
    chosen = of(log, "000001.SZ")
    assert chosen.sum() == 133_815
    assert (log.ticks["n"][chosen] == np.arange(1, 133_816)).all()
    assert (log.ticks["last"][chosen] == np.rint(source["price"].to_numpy() * 10_000)).all()
    seconds = np.unique(log.ticks["time"][chosen] // 10**9, return_counts=True)[1]
    assert seconds.max() >= 699


def test_bars_of_both_labels_lie_in_the_minutes_in_which_they_were_traded(replay: Replay) -> None:
    for name, day in (
        ("ashare_000001_1min_201801.parquet", "2018-01-02"),
        ("ashare_hikyuu_minline_201812_201902.parquet", "2019-02-01"),
    ):
        _, log = replay(name)
        ticks = of(log, "000001.SZ")
        session = (log.ticks["time"] >= moment("00:00:00", day)) & (log.ticks["time"] < moment("23:00:00", day))
        times = log.ticks["time"][ticks & session].tolist()
        phases = log.ticks["phase"][ticks & session].tolist()
        assert (len(times), times[0], times[119], times[120], times[-1]) == (
            240,
            moment("09:30:59.999", day),
            moment("11:29:59.999", day),
            moment("13:00:59.999", day),
            moment("14:59:59.999", day),
        )
        assert phases == [Phase.CONTINUOUS] * 237 + [Phase.CLOSING_CALL] * 3


def test_a_tdx_minute_is_the_sum_of_its_tdx_trades(replay: Replay) -> None:
    """Which shows that its label begins the minute: the trades are labelled by themselves."""
    minute = 60 * 10**9
    (_, minutes), (_, trades) = (
        replay(f"ashare_hikyuu_{name}.parquet") for name in ("minline_201812_201902", "trans_201902")
    )

    def by_minute(log: Log) -> dict[int, int]:
        chosen = of(log, "000001.SZ") & (log.ticks["phase"] == Phase.CONTINUOUS)
        chosen &= (log.ticks["time"] >= moment("09:31:00", "2019-02-01")) & (
            log.ticks["time"] < moment("11:29:00", "2019-02-01")
        )
        found: dict[int, int] = {}
        for time, volume in zip(log.ticks["time"][chosen].tolist(), log.ticks["volume"][chosen].tolist(), strict=True):
            found[time // minute] = found.get(time // minute, 0) + volume
        return found

    sums = by_minute(trades)
    assert len(sums) == 118
    assert {key: value for key, value in by_minute(minutes).items() if key in sums} == sums


@pytest.mark.parametrize(
    ("five", "one"),
    [
        ("ashare_sz5_snapshot_20220601.l5.csv.gz", "ashare_sz5_snapshot_20220601.parquet"),
        ("ashare_600519_snapshot_20230201.l5.csv.gz", "ashare_600519_snapshot_20230201.parquet"),
    ],
)
def test_five_levels_are_those_of_the_file_and_the_first_is_that_of_the_level_one_file(
    replay: Replay, marketdata: Path, five: str, one: str
) -> None:
    (_, deep), (_, flat) = replay(five), replay(one)
    for name in TICK_COLUMNS:
        assert (deep.ticks[name] == flat.ticks[name]).all()
    source = pq.read_table(marketdata / one).to_pandas().drop_duplicates()
    symbol = unpack(int(deep.ticks["symbol"][0]))
    rows = source[source["symbol"] == symbol]
    chosen = of(deep, symbol)
    for name in LEVEL_COLUMNS:
        is_price = not name.endswith("_volume")
        theirs = rows[name if is_price else f"{name[:3]}_qty{name[3]}"].fillna(0).to_numpy()
        assert (deep.ticks[name][chosen] == np.rint(theirs * 10_000 if is_price else theirs)).all()
