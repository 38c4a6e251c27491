"""Realised volatility of real days: the definition that the volatility rule uses, and the figures behind its threshold.

sqrt Σ ln(P_i / P_{i-1})² over the last prices of each minute of continuous trading (Barndorff-Nielsen & Shephard 2002),
lunch one return and the night none. In plain Python, from the file itself: nothing of ours is tested by itself here.
"""

import datetime as dt
import itertools
import math
import statistics
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dfp.collector.replay import ReplayFeed
from dfp.contracts.flags import UNFIT
from dfp.market.phases import Phase
from raw_rows import collector, read, run

FILE = "ashare_hikyuu_minline_201812_201902.parquet"
INDEX = "000001.SH"
CLOSING_CALL = dt.time(14, 57)


def volatility(prices: list[float]) -> float:
    return math.sqrt(sum(math.log(after / before) ** 2 for before, after in itertools.pairwise(prices)))


@pytest.fixture(scope="module")
def days(marketdata: Path) -> dict[tuple[str, int], list[float]]:
    """(symbol, session) -> prices, minute by minute."""
    found: dict[tuple[str, int], list[tuple[dt.datetime, float]]] = defaultdict(list)
    for row in pq.read_table(marketdata / FILE).to_pylist():
        if row["symbol"] != INDEX and row["ts"].time() < CLOSING_CALL:
            found[row["symbol"], int(row["ts"].strftime("%Y%m%d"))].append((row["ts"], row["price"]))
    return {key: [price for _, price in sorted(rows)] for key, rows in found.items()}


def test_five_percent_is_exceeded_on_one_symbol_day_in_fifty(days: dict[tuple[str, int], list[float]]) -> None:
    values = sorted(volatility(prices) for prices in days.values())
    assert len(values) == 258
    assert {len(prices) for prices in days.values()} == {237}
    assert statistics.median(values) == pytest.approx(0.021, abs=0.0005)
    assert statistics.quantiles(values, n=20, method="inclusive")[-1] == pytest.approx(0.038, abs=0.0005)
    assert sum(value >= 0.05 for value in values) / 258 == pytest.approx(0.019, abs=0.005)


def test_ticks_of_the_minute_file_give_the_same_volatility(
    days: dict[tuple[str, int], list[float]], marketdata: Path
) -> None:
    log = read(run(ReplayFeed([marketdata / FILE]).batches(0), collector()))
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    symbols = iter(log.symbols)
    for frame in log.frames:
        for phase, last, flags in zip(*(frame[name].tolist() for name in ("phase", "last", "flags")), strict=True):
            symbol = next(symbols)
            if symbol != INDEX and phase == Phase.CONTINUOUS and not flags & UNFIT:
                found[symbol, frame.session].append(last / 10_000)
    assert found.keys() == days.keys()
    for key, prices in days.items():  # a few prices of the file lie between two ticks, and cleaning puts them on one
        assert volatility(found[key]) == pytest.approx(volatility(prices), rel=0.005)
