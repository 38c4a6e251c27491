"""Price limits, lots and fees are those of the tick's own day; the real files agree to the last price."""

import datetime as dt

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dfp.market.instruments import InstrumentClass, classify
from dfp.market.rules import Lot, commission, is_no_limit, lot, price_limits, stamp_duty


def limits(symbol: str, pre_close: float, on: int, **facts) -> tuple[float, float] | None:
    found = price_limits(classify(symbol), round(pre_close * 10_000), on, **facts)
    return None if found is None else (found[0] / 10_000, found[1] / 10_000)


def rate(symbol: str, on: int, **facts) -> float | None:
    """Limit-up over a round previous close, in percent."""
    found = limits(symbol, 1_000, on, **facts)
    return None if found is None else round((found[0] / 1_000 - 1) * 100, 6)


@pytest.mark.parametrize(
    ("symbol", "on", "percent"),
    [
        ("600000.SH", 19961215, None),
        ("600000.SH", 19961216, 10),
        ("000001.SZ", 20220601, 10),
        ("688218.SH", 20190722, 20),
        ("300122.SZ", 20200823, 10),
        ("300122.SZ", 20200824, 20),
        ("920000.BJ", 20211114, None),
        ("920000.BJ", 20211115, 30),
        ("510300.SH", 20220601, 10),
        ("588000.SH", 20220601, 20),
        ("159915.SZ", 20220601, None),
        ("113050.SH", 20220731, None),
        ("113050.SH", 20220801, 20),
        ("900901.SH", 20220601, 10),
        ("508000.SH", 20220601, 10),
        ("000001.SH", 20220601, None),
        ("IF2207.CF", 20220601, 10),
        ("TL2409.CF", 20240603, 3.5),
        ("T2409.CF", 20240603, 2),
        ("TF2409.CF", 20240603, 1.2),
        ("TS2409.CF", 20240603, 0.5),
    ],
)
def test_the_limit_of_a_class_and_board_is_that_of_the_day(symbol, on, percent):
    assert rate(symbol, on) == percent


@pytest.mark.parametrize(
    ("symbol", "on", "percent"),
    [
        ("600103.SH", 20260705, 5),
        ("600103.SH", 20260706, 10),
        ("000400.SZ", 20220601, 5),
        ("900901.SH", 20220601, 5),
        ("300122.SZ", 20220601, 20),
        ("688218.SH", 20220601, 20),
        ("920000.BJ", 20220601, 30),
    ],
)
def test_special_treatment_halves_the_limit_of_the_main_boards_until_july_2026_and_of_no_other(symbol, on, percent):
    assert rate(symbol, on, st=True) == percent


@pytest.mark.parametrize(
    ("symbol", "on", "free"),
    [
        ("600000.SH", 20230409, 1),
        ("600000.SH", 20230410, 5),
        ("688218.SH", 20220601, 5),
        ("300122.SZ", 20200821, 1),
        ("300122.SZ", 20220601, 5),
        ("920000.BJ", 20220601, 1),
    ],
)
def test_the_first_sessions_of_a_listing_have_no_limit(symbol, on, free):
    assert rate(symbol, on, sessions_since_listing=free - 1) is None
    assert rate(symbol, on, sessions_since_listing=free) == rate(symbol, on)


def test_a_date_and_its_number_are_the_same_day():
    instrument = classify("300122.SZ")
    assert price_limits(instrument, 872_800, dt.date(2022, 6, 1)) == price_limits(instrument, 872_800, 20220601)


def test_half_a_cent_is_rounded_up():
    assert limits("600000.SH", 10.05, 20220601) == (11.06, 9.05)  # 11.055 and 9.045


def test_a_limit_is_at_least_one_tick_away_and_never_zero():
    assert limits("600000.SH", 0.04, 20220601) == (0.05, 0.03)
    assert limits("600000.SH", 0.01, 20220601) == (0.02, 0.01)


def test_funds_and_shanghai_b_shares_are_rounded_to_a_thousandth():
    assert limits("510300.SH", 4.0215, 20220601) == (4.424, 3.619)
    assert limits("900901.SH", 0.455, 20220601) == (0.501, 0.41)


def test_a_stock_index_future_has_twenty_percent_on_its_last_day():
    assert rate("IF2206.CF", 20220616) == 10
    assert rate("IF2206.CF", 20220617) == 20  # third Friday
    assert rate("IF2206.CF", 20220620) == 20  # had the Friday been a holiday
    assert rate("T2206.CF", 20220617) == 2


@pytest.mark.parametrize("pre_close", [0, -1])
def test_a_previous_close_that_is_no_price_is_refused(pre_close):
    with pytest.raises(ValueError, match=f"pre_close {pre_close} of 600000.SH is not allowed"):
        price_limits(classify("600000.SH"), pre_close, 20220601)


def test_a_day_that_is_no_date_is_refused():
    with pytest.raises(ValueError, match="session 20220631 is not a date"):
        price_limits(classify("600000.SH"), 10_000, 20220631)


@pytest.mark.parametrize(("price", "none"), [(0, True), (999_999_900, True), (1_000_000_000, True), (29_900, False)])
def test_what_vendors_send_for_no_limit_is_recognised(price, none):
    assert is_no_limit(price) is none


def test_every_limit_in_the_real_shenzhen_file_is_computed_exactly(marketdata):
    columns = ["symbol", "pre_close", "limit_up", "limit_down"]
    table = pq.read_table(marketdata / "ashare_sz5_snapshot_20220601.parquet", columns=columns)
    rows = {tuple(row.values()) for row in table.to_pylist()}
    assert {row[0] for row in rows} == {"000400.SZ", "300122.SZ", "300274.SZ", "300288.SZ", "300918.SZ"}
    for symbol, pre_close, up, down in rows:
        assert limits(symbol, pre_close, 20220601) == (up, down)


def test_the_real_limit_up_of_600103_is_the_computed_one(marketdata):
    table = pq.read_table(
        marketdata / "ashare_sh30_snapshot_20211201.parquet", columns=["symbol", "pre_close", "high", "last"]
    )
    touched = table.filter(pc.equal(table["symbol"], "600103.SH"))
    assert pc.unique(touched["pre_close"]).to_pylist() == [2.72]
    assert limits("600103.SH", 2.72, 20211201) == (pc.max(touched["high"]).as_py(), 2.45) == (2.99, 2.45)


def test_no_real_price_in_shanghai_lies_beyond_the_computed_limits(marketdata):
    table = pq.read_table(
        marketdata / "ashare_sh30_snapshot_20211201.parquet", columns=["symbol", "pre_close", "high", "low"]
    )
    extremes = table.group_by(["symbol", "pre_close"]).aggregate([("high", "max"), ("low", "max")]).to_pylist()
    assert len(extremes) == 30
    for row in extremes:
        up, down = limits(row["symbol"], row["pre_close"], 20211201)
        assert down <= row["low_max"] <= row["high_max"] <= up + 1e-9


def test_the_limits_of_real_index_futures_are_those_inside_ten_percent_of_the_settlement(marketdata):
    columns = ["pre_settle", "limit_up", "limit_down"]
    table = pq.read_table(marketdata / "cffex_if2101_ticks_20210104_06.parquet", columns=columns)
    rows = {tuple(round(price, 1) for price in row.values()) for row in table.to_pylist()}  # some have float noise
    assert len(rows) == 3
    for settlement, up, down in rows:  # 5357.0 × 1.1 = 5892.7 is quoted as 5892.6, and × 0.9 = 4821.3 as 4821.4
        assert limits("IF2101.CF", settlement, 20210104) == (up, down)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("600000.SH", Lot(100, 100)),
        ("300122.SZ", Lot(100, 100)),
        ("688218.SH", Lot(200, 1)),
        ("920000.BJ", Lot(100, 1)),
        ("510300.SH", Lot(100, 100)),
        ("588000.SH", Lot(100, 100)),
        ("113050.SH", Lot(10, 10)),
        ("IF2206.CF", Lot(1, 1)),
        ("T2206.CF", Lot(1, 1)),
    ],
)
def test_lots_differ_by_board_and_class(symbol, expected):
    assert lot(classify(symbol)) == expected


def test_an_index_has_no_lot():
    with pytest.raises(ValueError, match=r"000001\.SH is an index"):
        lot(classify("000001.SH"))


def test_stamp_duty_was_halved_in_august_2023_and_is_for_shares_alone():
    share = classify("600000.SH")
    assert stamp_duty(share, 100_000, 20230827) == pytest.approx(100)
    assert stamp_duty(share, 100_000, dt.date(2023, 8, 28)) == pytest.approx(50)
    assert stamp_duty(classify("510300.SH"), 100_000, 20230827) == 0
    with pytest.raises(ValueError, match="expected a day from 20080424 on"):
        stamp_duty(share, 100_000, 20080423)


def test_a_commission_is_at_least_five_yuan():
    assert commission(1_000, 0.00025) == 5
    assert commission(1_000_000, 0.00025) == pytest.approx(250)


def test_every_class_but_the_index_has_a_lot():
    symbols = ("600000.SH", "510300.SH", "113050.SH", "900901.SH", "508000.SH", "IF2206.CF", "T2206.CF")
    instruments = [classify(symbol) for symbol in symbols]
    assert {instrument.cls for instrument in instruments} == set(InstrumentClass) - {InstrumentClass.INDEX}
    assert all(lot(instrument).minimum > 0 for instrument in instruments)
