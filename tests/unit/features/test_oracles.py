"""Features against their sources on a real series: TA-Lib where it has the feature, the formula in numpy elsewhere."""

from pathlib import Path

import numpy as np
import pytest
import talib

from dfp.contracts.flags import Flag
from dfp.features.catalog import parse_all
from dfp.features.program import compile_program
from dfp.features.table import Table
from dfp.market.phases import SECOND_NS, midnight_ns
from tick_frames import SESSION, frame, real_prices

SYMBOLS = ["000400.SZ", "300122.SZ", "300274.SZ"]


def feature(name: str, **columns: object) -> np.ndarray:  # type: ignore[type-arg]
    rows = max(np.size(column) for column in columns.values())
    table = Table(compile_program(parse_all([name])))
    return table.take(frame(SESSION, {"symbol": 1, "phase": 4, **columns}, rows))[0]


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("window", [2, 14, 100, 400])
@pytest.mark.parametrize(
    ("kind", "oracle", "lag"),
    [
        ("mean", talib.SMA, 0),
        ("ema", talib.EMA, 0),
        ("std", lambda prices, window: talib.STDDEV(prices, window, 1.0), 0),
        ("return", talib.ROCP, 0),
        ("rsi", talib.RSI, 0),
        ("range_high", talib.MAX, 1),
        ("range_low", talib.MIN, 1),
    ],
)
def test_it_agrees_with_ta_lib(marketdata: Path, symbol: str, window: int, kind: str, oracle, lag: int) -> None:  # type: ignore[no-untyped-def]
    prices = real_prices(marketdata, symbol)
    expected = oracle(prices / 10_000.0, window)
    if lag:
        expected = np.concatenate(([np.nan], expected[:-1]))
    found = feature(f"{kind}_{window}", last=prices)
    # TA-Lib's rolling sums drift, and it subtracts squares of whole prices; ours are exact. Hence STDDEV's tolerance.
    tolerance = {"std": 2e-6, "rsi": 1e-8}.get(kind, 1e-10)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=tolerance)
    assert np.isfinite(found).sum() > 3_000


def test_the_z_score_is_the_distance_from_the_mean_in_deviations(marketdata: Path) -> None:
    prices = real_prices(marketdata, SYMBOLS[0])
    windows = np.lib.stride_tricks.sliding_window_view(prices / 10_000.0, 50)
    deviation = windows.std(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(deviation > 1e-12, (windows[:, -1] - windows.mean(axis=1)) / deviation, np.nan)
    np.testing.assert_allclose(feature("zscore_50", last=prices)[49:], expected, rtol=1e-7, atol=1e-7)


def test_vwap_is_turnover_over_volume_of_the_session() -> None:
    volume, turnover = np.array([0, 100, 0, 300]), np.array([0.0, 1_000.0, 0.0, 3_300.0])
    np.testing.assert_array_equal(
        feature("vwap", last=100_000, volume=volume, turnover=turnover), [np.nan, 10.0, 10.0, 10.75]
    )


def test_the_spread_is_relative_to_the_middle_and_absent_without_both_sides() -> None:
    found = feature("spread", last=1, bid1=np.array([99_000, 0, 99_000]), ask1=np.array([101_000, 101_000, 0]))
    np.testing.assert_array_equal(found, [0.02, np.nan, np.nan])


def test_the_imbalance_is_from_minus_one_to_one_and_absent_with_an_empty_book() -> None:
    found = feature("imbalance", last=1, bid1_volume=np.array([300, 0, 5, 0]), ask1_volume=np.array([100, 9, 0, 0]))
    np.testing.assert_array_equal(found, [0.5, -1.0, 1.0, np.nan])


def test_the_room_to_a_limit_is_a_fraction_of_the_price_and_absent_without_a_limit() -> None:
    up = feature("room_to_limit_up", last=100_000, limit_up=np.array([110_000, 0]))
    down = feature("room_to_limit_down", last=100_000, limit_down=np.array([90_000, 0]))
    np.testing.assert_array_equal(up, [0.1, np.nan])
    np.testing.assert_array_equal(down, [0.1, np.nan])


def test_the_volume_ratio_compares_the_last_minute_with_the_usual_one() -> None:
    seconds = np.arange(0, 600, 3)
    volume = np.full(len(seconds), 100)
    volume[0] = 1_000_000  # the opening auction's volume comes with the first tick and counts in neither
    volume[-20:] = 300
    time = midnight_ns(SESSION) + (34_200 + seconds) * SECOND_NS
    ratio = feature("volume_ratio", last=100_000, time=time, volume=volume)
    assert np.isnan(ratio[:20]).all()
    assert ratio[100] == pytest.approx(1.0, abs=0.02)
    in_session = volume[1:].sum()
    assert ratio[-1] == pytest.approx(20 * 300 / (in_session / (597 / 60)))


def test_the_last_minute_before_lunch_goes_on_after_lunch() -> None:
    seconds = np.concatenate([np.arange(41_280, 41_400, 3), np.arange(46_800, 46_830, 3)])
    time = midnight_ns(SESSION) + seconds * SECOND_NS
    ratio = feature("volume_ratio", last=100_000, time=time, volume=100)
    per_minute_so_far = 49 * 100 / (7_227 / 60)
    assert ratio[-1] == pytest.approx(20 * 100 / per_minute_so_far)


def test_ticks_that_are_not_fit_leave_no_trace() -> None:
    prices = np.array([100_000, 999_999, 100_100, 0, 100_200])
    flags = np.array([0, Flag.BEYOND_LIMIT, 0, 0, 0])
    found = feature("mean_3", last=prices, flags=flags)
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, np.nan, 10.01])
