"""What cleaning makes of a row: every action of the table in docs/data.md, by a row made by hand."""

import base64
import json
import math

import pytest

from dfp.collector.feed import Refused
from dfp.contracts.flags import UNFIT, Flag
from dfp.contracts.frame import TICK_COLUMNS
from dfp.log.work import Work
from dfp.market.phases import Phase
from raw_rows import SESSION, batch, collector, conserved, dead_letters, moment, read, run


def only(work: Work) -> dict[str, int | float]:
    log = read(work)
    (frame,) = log.frames
    assert frame.rows == 1
    return {name: column[0].item() for name, column in frame.columns.items()}


def clean(**row: object) -> dict[str, int | float]:
    return only(run([batch(row)]))


@pytest.mark.parametrize(
    ("symbol", "yuan", "units"),
    [
        ("300122.SZ", 87.29999999999998, 873_000),
        ("600000.SH", 10.005, 100_100),
        ("510300.SH", 3.9939999999, 39_940),
        ("IF2101.CF", 5230.800000000001, 52_308_000),
    ],
)
def test_float_noise_is_rounded_to_the_instruments_tick(symbol: str, yuan: float, units: int) -> None:
    assert clean(symbol=symbol, last=yuan)["last"] == units


def test_an_absent_book_becomes_zero_and_the_row_is_kept() -> None:
    tick = clean(last=10.0, bid1=math.nan, ask1=math.nan, bid1_volume=math.nan, volume=math.nan, turnover=math.nan)
    assert (tick["bid1"], tick["ask1"], tick["bid1_volume"], tick["volume"], tick["turnover"]) == (0, 0, 0, 0, 0.0)
    assert tick["flags"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("last", math.nan),
        ("last", -0.01),
        ("last", math.inf),
        ("last", 1e300),
        ("bid1", -1.0),
        ("ask1", -math.inf),
        ("pre_close", -5.0),
        ("limit_up", -1.0),
    ],
)
def test_a_negative_or_missing_price_goes_to_the_dead_letters(field: str, value: float) -> None:
    work = run([batch({field: value})])
    assert work.counts == {"read": 1, "rejected/bad-price": 1}
    (letter,) = dead_letters(work)
    assert letter.stage == "collector"
    assert "row 1" in letter.detail
    assert "prices from 0 to" in letter.detail
    record = json.loads(base64.b64decode(letter.record))
    assert record["symbol"] == "600000.SH"
    assert record.get(field, "nan") == ("nan" if math.isnan(value) else str(value) if math.isinf(value) else value)


@pytest.mark.parametrize(("field", "value"), [("volume", -1.0), ("turnover", math.inf), ("ask1_volume", -100.0)])
def test_a_negative_or_endless_quantity_goes_to_the_dead_letters(field: str, value: float) -> None:
    work = run([batch({field: value})])
    assert work.counts == {"read": 1, "rejected/bad-quantity": 1}
    assert "volumes and turnover" in dead_letters(work)[0].detail


@pytest.mark.parametrize("symbol", ["", "60000.SH", "600000", "000001.XX", "777777.SZ", "IF2113.CF", "x" * 200])
def test_an_unknown_symbol_is_refused_by_name(symbol: str) -> None:
    work = run([batch({"symbol": symbol}, {"symbol": "600000.SH"})])
    assert work.counts["rejected/unknown-symbol"] == 1
    assert work.counts["accepted"] == 1
    (letter,) = dead_letters(work)
    assert repr(symbol)[:60] in letter.detail
    assert "expected" in letter.detail


def test_a_lower_case_symbol_is_the_same_symbol() -> None:
    work = run([batch({"symbol": "600000.sh"}, {"symbol": "600000.SH", "time": "10:00:03"})])
    log = read(work)
    assert log.symbols == ["600000.SH", "600000.SH"]
    assert log.ticks["n"].tolist() == [1, 2]


def test_a_row_that_the_feed_could_not_read_is_counted_and_kept_as_a_dead_letter() -> None:
    refused = Refused(2, "unparsable", "file.csv, row 2: last: 'x' is not allowed", b"600000.SH,x")
    work = run([batch({}, refused=[refused])])
    assert work.counts["read"] == 2
    assert work.counts["rejected/unparsable"] == 1
    (letter,) = dead_letters(work)
    assert letter.detail == refused.detail
    assert base64.b64decode(letter.record) == b"600000.SH,x"


def test_a_row_equal_in_every_column_is_dropped_and_counted() -> None:
    row = {"fingerprint": 7, "volume": 100.0}
    work = run([batch(row, {"symbol": "000001.SZ"}, row)])
    assert work.counts["rejected/exact-duplicate"] == 1
    assert work.counts["accepted"] == 2
    assert dead_letters(work) == []
    assert conserved(work)


def test_a_second_row_of_the_same_symbol_and_time_is_data_unless_it_is_equal_in_every_column() -> None:
    work = run([batch({"fingerprint": 7}, {"fingerprint": 8})])
    assert work.counts == {"read": 2, "accepted": 2, "phase/CONTINUOUS": 2}
    assert read(work).ticks["n"].tolist() == [1, 2]


def test_an_unchanged_snapshot_at_a_later_time_is_data() -> None:
    work = run([batch({"time": "10:00:00", "fingerprint": 7}, {"time": "10:00:03", "fingerprint": 7})])
    assert work.counts["accepted"] == 2


def test_a_duplicate_is_found_across_batches() -> None:
    work = run([batch({"fingerprint": 7}), batch({"fingerprint": 7}, first=2)])
    assert work.counts["rejected/exact-duplicate"] == 1


def test_a_row_up_to_three_seconds_late_is_put_back_in_order() -> None:
    work = run([batch({"time": "10:00:03"}, {"time": "10:00:00"}, {"time": "10:00:01"})])
    assert read(work).ticks["time"].tolist() == [moment(f"10:00:0{second}") for second in (0, 1, 3)]
    assert work.counts["reordered"] == 2
    assert work.counts["accepted"] == 3


def test_an_older_row_goes_to_the_dead_letters() -> None:
    work = run([batch({"time": "10:00:03.001"}, {"time": "10:00:00"})])
    assert work.counts["rejected/out-of-order"] == 1
    (letter,) = dead_letters(work)
    assert "3.001 s" in letter.detail
    assert "sort the file by time" in letter.detail


def test_rows_of_one_time_keep_the_order_in_which_they_came() -> None:
    rows = [{"symbol": f"60{(index * 37) % 100:04d}.SH", "time": "10:00:01"} for index in range(100)]
    late = {"symbol": "000001.SZ", "time": "10:00:00"}
    assert read(run([batch(*rows, late)])).symbols == ["000001.SZ", *(row["symbol"] for row in rows)]


def test_a_price_beyond_its_limit_is_tagged_and_kept_out_of_features() -> None:
    for last in (11.01, 8.99):
        tick = clean(last=last, limit_up=11.0, limit_down=9.0)
        assert tick["flags"] == Flag.BEYOND_LIMIT
        assert int(tick["flags"]) & UNFIT


def test_a_price_at_its_limit_is_tagged_and_stays_fit() -> None:
    up = clean(last=11.0, limit_up=11.0, limit_down=9.0)
    down = clean(last=9.0, limit_up=11.0, limit_down=9.0)
    assert (up["flags"], down["flags"]) == (Flag.AT_LIMIT_UP, Flag.AT_LIMIT_DOWN)
    assert not Flag.AT_LIMIT_UP & UNFIT


@pytest.mark.parametrize(("bid", "ask"), [(10.01, 10.0), (10.0, 10.0)])
def test_a_crossed_book_in_continuous_trading_is_tagged_and_kept_out_of_features(bid: float, ask: float) -> None:
    assert clean(bid1=bid, ask1=ask)["flags"] == Flag.CROSSED


@pytest.mark.parametrize("clock", ["09:20:00", "14:58:00", "12:00:00"])
def test_a_crossed_book_outside_of_continuous_trading_is_normal(clock: str) -> None:
    assert clean(time=clock, bid1=10.0, ask1=10.0)["flags"] == 0


def test_a_book_with_one_side_is_not_crossed() -> None:
    assert clean(bid1=10.0, ask1=0.0)["flags"] == 0


def test_a_row_without_a_last_price_is_kept_and_tagged() -> None:
    tick = clean(time="09:20:00", last=0.0, bid1=10.0, ask1=10.0, limit_down=9.0)
    assert (tick["flags"], tick["phase"], tick["last"]) == (Flag.NO_PRICE, Phase.OPENING_CALL, 0)


def test_a_clock_far_ahead_of_its_neighbours_is_tagged_and_drags_nothing_along() -> None:
    rows = [{"time": clock, "volume": volume} for clock, volume in SKEWED]
    work = run([batch(*rows)])
    ticks = read(work).ticks
    assert work.counts["accepted"] == 4
    assert work.counts["flagged/CLOCK_SKEW"] == 1
    assert ticks["time"].tolist() == [moment(clock) for clock in ("10:00:00", "10:00:03", "10:00:06", "14:00:00")]
    assert ticks["flags"].tolist() == [0, 0, 0, Flag.CLOCK_SKEW]
    assert ticks["volume"].tolist() == [100, 200, 100, 0]


SKEWED = [("10:00:00", 100.0), ("14:00:00", 200.0), ("10:00:03", 300.0), ("10:00:06", 400.0)]


def test_a_clock_on_another_day_than_its_neighbours_goes_to_the_dead_letters() -> None:
    rows = [{"time": "10:00:00"}, {"time": "10:00:00", "day": "2099-01-05"}, {"time": "10:00:03"}]
    work = run([batch(*rows)])
    assert work.counts["rejected/clock-skew"] == 1
    assert {clock.session for clock in read(work).clocks} == {20261125}


def test_lunch_is_no_skewed_clock() -> None:
    work = run([batch({"time": "11:29:57"}, {"time": "13:00:00"}, {"time": "13:00:03"})])
    assert "flagged/CLOCK_SKEW" not in work.counts
    assert work.counts["accepted"] == 3


def test_the_last_row_of_a_feed_may_come_late_in_the_day() -> None:
    work = run([batch({"time": "10:00:00"}, {"time": "15:00:00"})])
    assert work.counts == {"read": 2, "accepted": 2, "phase/CONTINUOUS": 1, "phase/CLOSING_PAUSE": 1}


@pytest.mark.parametrize("sentinel", [0.0, 99_999.99, 100_000.0])
def test_a_vendors_sentinel_means_no_limit(sentinel: float) -> None:
    tick = clean(pre_close=10.0, limit_up=sentinel, limit_down=0.0, last=44.0)
    assert (tick["limit_up"], tick["limit_down"], tick["flags"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("symbol", "up", "down"),
    [("600103.SH", 29_900, 24_500), ("688218.SH", 32_600, 21_800), ("920001.BJ", 35_400, 19_000)],
)
def test_limits_follow_from_the_previous_close_when_the_vendor_gives_none(symbol: str, up: int, down: int) -> None:
    tick = clean(symbol=symbol, pre_close=2.72, last=2.72)
    assert (tick["limit_up"], tick["limit_down"]) == (up, down)


def test_futures_have_the_vendors_limits_or_none() -> None:
    given = clean(symbol="IF2101.CF", pre_close=5227.0, last=5230.0, limit_up=5737.8, limit_down=4694.6)
    assert (given["limit_up"], given["limit_down"]) == (57_378_000, 46_946_000)
    assert clean(symbol="IF2101.CF", pre_close=5227.0, last=5230.0)["limit_up"] == 0


def test_the_phase_is_ours_and_depends_on_the_instrument() -> None:
    rows = [{"symbol": "600000.SH", "time": "14:58:00"}, {"symbol": "IF2612.CF", "time": "14:58:00"}]
    assert read(run([batch(*rows)])).ticks["phase"].tolist() == [Phase.CLOSING_CALL, Phase.CONTINUOUS]


def test_volume_and_turnover_are_differences_of_what_the_source_sums_up() -> None:
    rows = [
        {"time": "10:00:00", "volume": 1000.0, "turnover": 10_000.0},
        {"time": "10:00:03", "volume": 1500.0, "turnover": 15_100.0},
        {"time": "10:00:06", "volume": 1500.0, "turnover": 15_100.0},
    ]
    ticks = read(run([batch(*rows)])).ticks
    assert ticks["volume"].tolist() == [1000, 500, 0]
    assert ticks["turnover"].tolist() == [10_000.0, 5_100.0, 0.0]


def test_the_first_continuous_tick_holds_the_auctions_volume() -> None:
    rows = [
        {"time": "09:20:00", "volume": 0.0, "turnover": 0.0},
        {"time": "09:25:00", "volume": 700.0, "turnover": 7_000.0},
        {"time": "09:30:00", "volume": 900.0, "turnover": 9_000.0},
        {"time": "09:30:03", "volume": 950.0, "turnover": 9_500.0},
    ]
    ticks = read(run([batch(*rows)])).ticks
    assert ticks["volume"].tolist() == [0, 0, 900, 50]
    assert ticks["turnover"].tolist() == [0.0, 0.0, 9_000.0, 500.0]


def test_a_fall_of_volume_counts_from_zero_again_and_is_tagged() -> None:
    rows = [
        {"time": "10:00:00", "volume": 1000.0, "turnover": 10_000.0},
        {"time": "10:00:03", "volume": 300.0, "turnover": 3_000.0},
        {"time": "10:00:06", "volume": 400.0, "turnover": 4_000.0},
    ]
    work = run([batch(*rows)])
    ticks = read(work).ticks
    assert ticks["volume"].tolist() == [1000, 300, 100]
    assert ticks["turnover"].tolist() == [10_000.0, 3_000.0, 1_000.0]
    assert ticks["flags"].tolist() == [0, Flag.REBASED, 0]
    assert work.counts["flagged/REBASED"] == 1


def test_a_tick_without_volume_leaves_its_part_to_the_next_one() -> None:
    rows = [{"time": f"10:00:0{second}", "volume": sum_} for second, sum_ in ((0, 100.0), (3, math.nan), (6, 160.0))]
    work = run([batch(*rows)])
    assert read(work).ticks["volume"].tolist() == [100, 0, 60]
    assert "flagged/REBASED" not in work.counts


def test_a_new_session_numbers_ticks_from_one_and_counts_volume_from_zero() -> None:
    days = ("2026-11-25", "2026-11-25", "2026-11-26", "2026-11-26")
    rows = [
        {"day": day, "time": clock, "volume": 500.0}
        for day, clock in zip(days, ("14:00:00", "14:00:03", "10:00:00", "10:00:03"), strict=True)
    ]
    work = run([batch(*rows)])
    ticks = read(work).ticks
    assert ticks["n"].tolist() == [1, 2, 1, 2]
    assert ticks["volume"].tolist() == [500, 0, 500, 0]
    assert "flagged/REBASED" not in work.counts


def test_rows_of_a_day_without_trading_go_to_the_dead_letters() -> None:
    core = collector(is_session=lambda session: session != 20261128)
    work = run([batch({"day": "2026-11-28"}, {"day": "2026-11-28", "time": "10:00:03"})], core)
    assert work.counts == {"read": 2, "rejected/not-a-session": 2}
    assert "20261128" in dead_letters(work)[0].detail
    assert read(work).frames == []


def test_ticks_beyond_the_calendar_are_kept_and_tagged() -> None:
    work = run([batch({})], collector(is_session=lambda session: None))
    assert only(work)["flags"] == Flag.UNCERTAIN_SESSION
    assert not Flag.UNCERTAIN_SESSION & UNFIT


def test_ticks_outside_of_trading_hours_are_accepted_and_tagged() -> None:
    clocks = ("08:45:00", "09:27:00", "12:00:00", "15:02:00", "15:10:00", "16:00:00")
    work = run([batch(*({"time": clock} for clock in clocks))])
    assert {name: number for name, number in work.counts.items() if name.startswith("phase/")} == {
        f"phase/{phase.name}": 1
        for phase in (
            Phase.PRE_OPEN,
            Phase.OPENING_PAUSE,
            Phase.LUNCH,
            Phase.CLOSING_PAUSE,
            Phase.AFTER_HOURS,
            Phase.CLOSED,
        )
    }


def test_a_frame_has_the_level_one_columns_and_nothing_else() -> None:
    (frame,) = read(run([batch({})])).frames
    assert {name: column.dtype.str[-2:] for name, column in frame.columns.items()} == TICK_COLUMNS
    assert frame.session == SESSION
