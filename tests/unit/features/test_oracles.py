"""Every feature against its source on real sessions: TA-Lib where it has the feature, else the formula written anew.

The files go through the collector's cleaning, so the series are what a pipeline computes features of.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from dfp.contracts.flags import Flag
from dfp.contracts.frame import Frame
from dfp.features.catalog import CATALOG, Feature, Kind, parse_all
from dfp.features.program import compile_program
from dfp.features.table import Table
from dfp.market.phases import SECOND_NS, midnight_ns
from dfp.market.symbols import unpack
from tick_frames import REAL_FILES, SESSION, fit, is_fit, real_frames

Column = np.ndarray[Any, np.dtype[Any]]
WINDOWS = (2, 14, 100, 400)


@dataclass(frozen=True)
class Series:
    """Fit ticks of one symbol and session.

    Attributes:
        prices: yuan.
        columns: of its frames.
        volume, turnover: of the session up to each tick, unfit ones included.
        found: features.
    """

    prices: Column
    columns: Mapping[str, Column]
    volume: Column
    turnover: Column
    found: Mapping[str, Column]

    @property
    def squares(self) -> Column:
        """Squared simple returns, one less than prices."""
        return (np.diff(self.prices) / self.prices[:-1]) ** 2


def lagged(values: Column) -> Column:
    return np.concatenate(([np.nan], values))


def windows(values: Column, window: int, of: Callable[[Column], Column]) -> Column:
    """`of` of each full window, NaN before the first; as long as `values`."""
    if len(values) < window:
        return np.full(len(values), np.nan)
    return np.concatenate((np.full(window - 1, np.nan), of(np.lib.stride_tricks.sliding_window_view(values, window))))


def deviations(series: Series, window: int) -> Column:
    return windows(series.prices, window, lambda each: (each - each[:, :1]).std(axis=1))


def zscores(series: Series, window: int) -> Column:
    distance = windows(series.prices, window, lambda each: (each[:, -1:] - each).mean(axis=1))
    deviation = deviations(series, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(deviation > 0, distance / deviation, np.nan)


def ewma(series: Series, window: int) -> Column:
    return lagged(np.sqrt(talib.EMA(series.squares, window)))


def trading_seconds(series: Series) -> Column:
    seconds = (series.columns["time"] // SECOND_NS + 8 * 3_600) % 86_400
    return np.where(seconds >= 46_800, seconds - 46_800 + 7_200, np.clip(seconds - 34_200, 0, 7_200))


def volume_ratios(series: Series) -> Column:
    seconds = trading_seconds(series)
    newest = np.maximum.accumulate(seconds)
    traded = series.volume - series.volume[0]
    expected = []
    for tick, second in enumerate(newest):
        before = np.searchsorted(newest[: tick + 1], second - 60, side="right") - 1
        minutes = seconds[tick] / 60
        in_window = traded[tick] - (traded[before] if before >= 0 else 0)
        absent = seconds[tick] < 60 or traded[tick] == 0
        expected.append(np.nan if absent else in_window / (traded[tick] / minutes))
    return np.array(expected)


def vwaps(series: Series) -> Column:
    with np.errstate(invalid="ignore"):
        return series.turnover / series.volume


def spreads(series: Series) -> Column:
    bid, ask = (series.columns[name] / 1e4 for name in ("bid1", "ask1"))
    with np.errstate(invalid="ignore"):
        return np.where((bid > 0) & (ask > 0), (ask - bid) / ((ask + bid) / 2), np.nan)


def imbalances(series: Series) -> Column:
    bid, ask = series.columns["bid1_volume"], series.columns["ask1_volume"]
    with np.errstate(invalid="ignore"):
        return (bid - ask) / (bid + ask)


def rooms(series: Series, limit: str, sign: int) -> Column:
    price = series.columns[limit] / 1e4
    return np.where(price > 0, sign * (price - series.prices) / series.prices, np.nan)


ORACLES: Mapping[Kind, Callable[[Series, int], Column]] = {
    Kind.RETURN: lambda s, n: talib.ROCP(s.prices, n),
    Kind.MEAN: lambda s, n: talib.SMA(s.prices, n),
    Kind.STD: deviations,
    Kind.ZSCORE: zscores,
    Kind.BOLLINGER_UPPER: lambda s, n: talib.SMA(s.prices, n) + 2 * deviations(s, n),
    Kind.BOLLINGER_LOWER: lambda s, n: talib.SMA(s.prices, n) - 2 * deviations(s, n),
    Kind.EMA: lambda s, n: talib.EMA(s.prices, n),
    Kind.MACD: lambda s, n: talib.MACD(s.prices)[0],
    Kind.MACD_SIGNAL: lambda s, n: talib.MACD(s.prices)[1],
    Kind.MACD_HISTOGRAM: lambda s, n: talib.MACD(s.prices)[2],
    Kind.RSI: lambda s, n: talib.RSI(s.prices, n),
    Kind.ATR: lambda s, n: talib.ATR(s.prices, s.prices, s.prices, n),
    Kind.EWMA_VOLATILITY: ewma,
    Kind.REALISED_VOLATILITY: lambda s, n: lagged(np.sqrt(windows(s.squares, n, lambda each: each.sum(axis=1)))),
    Kind.RANGE_HIGH: lambda s, n: lagged(talib.MAX(s.prices, n)[:-1]),
    Kind.RANGE_LOW: lambda s, n: lagged(talib.MIN(s.prices, n)[:-1]),
    Kind.VWAP: lambda s, n: vwaps(s),
    Kind.SESSION_TURNOVER: lambda s, n: s.turnover,
    Kind.VOLUME_RATIO: lambda s, n: volume_ratios(s),
    Kind.SPREAD: lambda s, n: spreads(s),
    Kind.IMBALANCE: lambda s, n: imbalances(s),
    Kind.ROOM_TO_LIMIT_UP: lambda s, n: rooms(s, "limit_up", 1),
    Kind.ROOM_TO_LIMIT_DOWN: lambda s, n: rooms(s, "limit_down", -1),
}
"""All but the imbalance of five levels, whose levels not every file has."""

FEATURES = parse_all(
    f"{kind}_{window}" if CATALOG[kind].windowed else str(kind)
    for kind in ORACLES
    for window in (WINDOWS if CATALOG[kind].windowed else (0,))
)


@functools.cache
def real_series(file: Path) -> list[Series]:
    """All symbols and sessions of a file, with every feature."""
    table = Table(compile_program(FEATURES))
    parts: dict[tuple[int, int], list[tuple[dict[str, Column], Column]]] = {}
    for frame in real_frames(file):
        found = table.take(frame)
        assert np.isnan(found[:, ~is_fit(frame)]).all()
        for symbol in np.unique(frame["symbol"]):
            own = frame["symbol"] == symbol
            columns = {name: column[own] for name, column in {**frame.columns, "fit": is_fit(frame)}.items()}
            parts.setdefault((frame.session, int(symbol)), []).append((columns, found[:, own]))
    assert table.beyond == 0
    made = []
    for pieces in parts.values():
        columns = {name: np.concatenate([piece[name] for piece, _ in pieces]) for name in pieces[0][0]}
        found = np.concatenate([values for _, values in pieces], axis=1)
        fits = columns["fit"]
        volume, turnover = (np.cumsum(columns[name])[fits] for name in ("volume", "turnover"))
        columns = {name: column[fits] for name, column in columns.items()}
        names = [feature.name for feature in FEATURES]
        prices = columns["last"] / 10_000.0
        made.append(Series(prices, columns, volume, turnover, dict(zip(names, found[:, fits], strict=True))))
    return made


@pytest.mark.parametrize("file", REAL_FILES)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_it_equals_its_oracle_on_real_sessions(marketdata: Path, file: str, feature: Feature) -> None:
    present = 0
    for series in real_series(marketdata / file):
        expected = ORACLES[feature.kind](series, feature.window)
        np.testing.assert_allclose(series.found[feature.name], expected, rtol=1e-9, atol=1e-10)
        present += int(np.isfinite(expected).sum())
    assert present > 3_000


@pytest.mark.parametrize("window", WINDOWS)
def test_deviation_and_bands_agree_with_ta_lib_as_far_as_its_digits_go(marketdata: Path, window: int) -> None:
    for series in real_series(marketdata / REAL_FILES[0]):
        # TA-Lib subtracts squares of whole prices; from the distance to the first price it loses fewer digits.
        moved = series.prices - series.prices[0]
        upper, _, lower = talib.BBANDS(moved, window, 2.0, 2.0)
        for name, expected in (
            ("std", talib.STDDEV(moved, window)),
            ("bollinger_upper", upper + series.prices[0]),
            ("bollinger_lower", lower + series.prices[0]),
        ):
            np.testing.assert_allclose(series.found[f"{name}_{window}"], expected, rtol=0, atol=1e-5)


def test_the_imbalance_of_five_levels_takes_them_all(marketdata: Path) -> None:
    book = pd.read_csv(marketdata / "ashare_sz5_snapshot_20220601.l5.csv.gz")
    names = {f"{side}{level}_volume": f"{side}_qty{level}" for side in ("bid", "ask") for level in range(1, 6)}
    columns = {ours: book[theirs].to_numpy(np.int64) for ours, theirs in names.items()}
    (found,) = computed(["imbalance_5"], fit(len(book), **columns))
    bid, ask = (sum(columns[f"{side}{level}_volume"] for level in range(1, 6)) for side in ("bid", "ask"))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found, (bid - ask) / (bid + ask))
    assert np.isfinite(found).sum() > 15_000


def test_the_sums_of_a_session_are_those_that_the_source_sends(marketdata: Path) -> None:
    """Cleaning takes them apart, features add them up again."""
    file = marketdata / REAL_FILES[0]
    sent = pd.read_parquet(file, columns=["symbol", "ts", "cum_volume", "cum_turnover"]).groupby("symbol")
    for series in real_series(file):
        symbol = unpack(int(series.columns["symbol"][-1]))
        time = (pd.Timestamp(series.columns["time"][-1]) + pd.Timedelta(hours=8)).to_datetime64()
        rows = sent.get_group(symbol)
        last = rows[rows["ts"] == time].iloc[-1]
        assert series.found["session_turnover"][-1] == pytest.approx(last["cum_turnover"], rel=1e-12)
        assert series.found["vwap"][-1] == pytest.approx(last["cum_turnover"] / last["cum_volume"], rel=1e-12)


def computed(names: list[str], *frames: Frame) -> Column:
    table = Table(compile_program(parse_all(names)))
    return np.concatenate([table.take(frame) for frame in frames], axis=1)


def feature(name: str, **columns: object) -> Column:
    return computed([name], fit(max(np.size(column) for column in columns.values()), **columns))[0]


def test_the_sums_of_a_session_begin_with_the_opening_auction() -> None:
    volume, turnover = np.array([0, 100, 0, 300]), np.array([0.0, 1_000.0, 0.0, 3_300.0])
    vwap, total = feature("vwap", volume=volume, turnover=turnover), feature("session_turnover", turnover=turnover)
    np.testing.assert_array_equal(vwap, [np.nan, 10.0, 10.0, 10.75])
    np.testing.assert_array_equal(total, [0.0, 1_000.0, 1_000.0, 4_300.0])


def test_the_spread_is_relative_to_the_middle_and_absent_without_both_sides() -> None:
    found = feature("spread", bid1=np.array([99_000, 0, 99_000]), ask1=np.array([101_000, 101_000, 0]))
    np.testing.assert_array_equal(found, [0.02, np.nan, np.nan])


def test_the_imbalance_is_from_minus_one_to_one_and_absent_with_an_empty_book() -> None:
    found = feature("imbalance", bid1_volume=np.array([300, 0, 5, 0]), ask1_volume=np.array([100, 9, 0, 0]))
    np.testing.assert_array_equal(found, [0.5, -1.0, 1.0, np.nan])


def test_the_imbalance_of_five_levels_is_absent_when_a_level_is() -> None:
    levels = {f"{side}{level}_volume": 100 for side in ("bid", "ask") for level in range(1, 6)}
    assert feature("imbalance_5", **{**levels, "ask5_volume": 600}).tolist() == [-1 / 3]
    del levels["ask5_volume"]
    assert np.isnan(feature("imbalance_5", **levels)).all()


def test_the_room_to_a_limit_is_a_fraction_of_the_price_and_absent_without_a_limit() -> None:
    np.testing.assert_array_equal(feature("room_to_limit_up", limit_up=np.array([110_000, 0])), [0.1, np.nan])
    np.testing.assert_array_equal(feature("room_to_limit_down", limit_down=np.array([90_000, 0])), [0.1, np.nan])


def test_the_volume_ratio_compares_the_last_minute_with_the_usual_one() -> None:
    seconds = np.arange(0, 600, 3)
    volume = np.full(len(seconds), 100)
    volume[0] = 1_000_000  # the opening auction's volume comes with the first tick and counts in neither
    volume[-20:] = 300
    time = midnight_ns(SESSION) + (34_200 + seconds) * SECOND_NS
    ratio = feature("volume_ratio", time=time, volume=volume)
    assert np.isnan(ratio[:20]).all()
    assert ratio[100] == pytest.approx(1.0, abs=0.02)
    in_session = volume[1:].sum()
    assert ratio[-1] == pytest.approx(20 * 300 / (in_session / (597 / 60)))


def test_the_last_minute_before_lunch_goes_on_after_lunch() -> None:
    seconds = np.concatenate([np.arange(41_280, 41_400, 3), np.arange(46_800, 46_830, 3)])
    time = midnight_ns(SESSION) + seconds * SECOND_NS
    ratio = feature("volume_ratio", time=time, volume=100)
    per_minute_so_far = 49 * 100 / (7_227 / 60)
    assert ratio[-1] == pytest.approx(20 * 100 / per_minute_so_far)


def test_prices_that_are_not_fit_leave_no_trace() -> None:
    prices = np.array([100_000, 999_999, 100_100, 0, 100_200])
    flags = np.array([0, Flag.BEYOND_LIMIT, 0, 0, 0])
    found = feature("mean_3", last=prices, flags=flags)
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, np.nan, 10.01])


def test_what_was_traded_while_ticks_were_not_fit_belongs_to_the_session() -> None:
    phase = np.array([2, 4, 4, 5, 4])
    flags = np.array([0, Flag.CROSSED, 0, 0, 0])
    found = feature("session_turnover", phase=phase, flags=flags, turnover=np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    np.testing.assert_array_equal(found, [np.nan, np.nan, 7.0, np.nan, 31.0])


def test_equal_prices_far_from_the_first_deviate_by_nothing() -> None:
    """A variance from sums of whole squares would leave some, and the z-score would be noise."""
    prices = np.concatenate((np.full(5_000, 100_000), np.full(5_000, 46_999_999)))
    names = ["bollinger_upper_4096", "std_4096", "zscore_4096"]
    band, deviation, score = computed(names, fit(len(prices), last=prices))[:, -800:]
    assert (deviation == 0).all()
    assert np.isnan(score).all()
    assert (band == 4_699.9999).all()


def test_relative_strength_is_zero_while_nothing_has_moved() -> None:
    np.testing.assert_array_equal(feature("rsi_2", last=np.full(5, 100_000)), [np.nan, np.nan, 0, 0, 0])
