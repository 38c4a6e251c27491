"""The real files: how many rows are kept, measured by hand before there was a collector."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dfp.collector.replay import ReplayFeed
from dfp.collector.service import sessions_of
from dfp.contracts.flags import Flag
from dfp.log.work import Work
from dfp.market.calendar import Calendar
from dfp.market.phases import Phase
from raw_rows import Log, collector, dead_letters, moment, read, run

SZ = "ashare_sz5_snapshot_20220601"
SH = "ashare_sh30_snapshot_20211201"
MOUTAI = "ashare_600519_snapshot_20230201"
FUTURE = "cffex_if2101_ticks_20210104_06"


@pytest.fixture(scope="module")
def replayed(marketdata: Path) -> dict[str, tuple[Work, Log]]:
    is_session = sessions_of(Calendar.shanghai())
    works = {
        name: run(ReplayFeed([marketdata / f"{name}.parquet"]).batches(0), collector(is_session=is_session))
        for name in (SZ, SH, MOUTAI, FUTURE)
    }
    return {name: (work, read(work)) for name, work in works.items()}


def of(log: Log, symbol: str) -> dict[str, np.ndarray]:
    mask = np.array(log.symbols) == symbol
    return {name: column[mask] for name, column in log.ticks.items()}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (SZ, {"read": 20_980, "accepted": 20_980, "flagged/NO_PRICE": 230}),
        (SH, {"read": 32_972, "accepted": 32_972, "flagged/NO_PRICE": 1_200, "flagged/AT_LIMIT_UP": 8}),
        (
            MOUTAI,
            {"read": 5_109, "accepted": 5_108, "rejected/exact-duplicate": 1, "flagged/NO_PRICE": 155},
        ),
        (FUTURE, {"read": 84_347, "accepted": 84_347}),
    ],
)
def test_every_good_row_is_kept(replayed: dict[str, tuple[Work, Log]], name: str, counts: dict[str, int]) -> None:
    work, _ = replayed[name]
    found = {counter: number for counter, number in work.counts.items() if not counter.startswith("phase/")}
    assert found == counts
    phases = sum(number for counter, number in work.counts.items() if counter.startswith("phase/"))
    assert phases == counts["accepted"]
    assert dead_letters(work) == []


def test_the_share_that_touched_its_limit_did_so_on_eight_ticks(replayed: dict[str, tuple[Work, Log]]) -> None:
    ticks = of(replayed[SH][1], "600103.SH")
    at_limit = (ticks["flags"] & Flag.AT_LIMIT_UP) > 0
    assert at_limit.sum() == 8
    assert set(ticks["last"][at_limit]) == {29_900}
    assert set(ticks["limit_up"]) == {29_900}
    assert ticks["time"][at_limit][0] == moment("09:41:35", "2021-12-01")


def test_the_vendors_limits_are_those_that_the_rules_give(replayed: dict[str, tuple[Work, Log]]) -> None:
    ticks = of(replayed[SZ][1], "300122.SZ")
    assert (set(ticks["pre_close"]), set(ticks["limit_up"]), set(ticks["limit_down"])) == (
        {872_800},
        {1_047_400},
        {698_200},
    )


@pytest.mark.parametrize("name", [SZ, SH, MOUTAI, FUTURE])
def test_volumes_add_up_to_the_sources_sums(replayed: dict[str, tuple[Work, Log]], marketdata: Path, name: str) -> None:
    source = pq.read_table(marketdata / f"{name}.parquet", columns=["symbol", "ts", "cum_volume", "cum_turnover"])
    symbols = np.array([symbol.replace("CFFEX", "CF") for symbol in source["symbol"].to_pylist()])
    days = source["ts"].to_numpy().astype("datetime64[D]")
    _, log = replayed[name]
    frames = np.concatenate([np.full(frame.rows, frame.session) for frame in log.frames])
    for symbol in np.unique(symbols):
        ticks = of(log, symbol)
        sessions = frames[np.array(log.symbols) == symbol]
        for day in np.unique(days):
            session = int(str(day).replace("-", ""))
            rows = (symbols == symbol) & (days == day)
            assert ticks["volume"][sessions == session].sum() == source["cum_volume"].to_numpy()[rows][-1]
            paid = ticks["turnover"][sessions == session].sum()
            assert paid == pytest.approx(source["cum_turnover"].to_numpy()[rows][-1], rel=1e-9)


def test_no_tick_before_the_open_has_volume_and_auctions_are_tagged(replayed: dict[str, tuple[Work, Log]]) -> None:
    ticks = replayed[SZ][1].ticks
    early = ticks["phase"] < Phase.CONTINUOUS
    assert early.sum() == 255
    assert ticks["volume"][early].sum() == 0
    assert (ticks["flags"][early & (ticks["last"] == 0)] == Flag.NO_PRICE).all()


def test_prices_of_futures_are_on_their_grid_and_each_day_is_a_session(replayed: dict[str, tuple[Work, Log]]) -> None:
    _, log = replayed[FUTURE]
    assert set(log.symbols) == {"IF2101.CF"}
    for name in ("last", "bid1", "ask1", "limit_up", "limit_down"):
        assert (log.ticks[name] % 2_000 == 0).all()
    ends = [clock.session for clock in log.clocks if clock.end]
    assert ends == [20210104, 20210105, 20210106]
    assert (log.ticks["n"][np.flatnonzero(np.diff(log.ticks["n"].astype(int)) < 0) + 1] == 1).all()
