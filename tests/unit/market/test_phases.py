"""The hours of the exchanges: half-open, in exchange time, and the real files agree."""

import datetime as dt

import numpy as np
import pyarrow.parquet as pq
import pytest

from dfp.market import phases
from dfp.market.instruments import InstrumentClass
from dfp.market.phases import Phase, phase_at, phases_of

SESSION = 20220601
FUTURE, TREASURY_FUTURE = InstrumentClass.FUTURE, InstrumentClass.TREASURY_FUTURE


def at(clock: str, date: str = "2022-06-01") -> int:
    moment = dt.datetime.fromisoformat(f"{date}T{clock}+08:00") - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return moment // dt.timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("start", "end", "phase"),
    [
        ("00:00", "08:30", Phase.CLOSED),
        ("08:30", "09:15", Phase.PRE_OPEN),
        ("09:15", "09:25", Phase.OPENING_CALL),
        ("09:25", "09:30", Phase.OPENING_PAUSE),
        ("09:30", "11:30", Phase.CONTINUOUS),
        ("11:30", "13:00", Phase.LUNCH),
        ("13:00", "14:57", Phase.CONTINUOUS),
        ("14:57", "15:00", Phase.CLOSING_CALL),
        ("15:00", "15:05", Phase.CLOSING_PAUSE),
        ("15:05", "15:30", Phase.AFTER_HOURS),
        ("15:30", "23:59:59", Phase.CLOSED),
    ],
)
def test_a_phase_of_shares_begins_on_its_instant_and_ends_before_the_next(start, end, phase):
    assert phase_at(at(start)) is phase
    assert phase_at(at(end) - 1) is phase


@pytest.mark.parametrize("cls", [InstrumentClass.SHARE, InstrumentClass.ETF, InstrumentClass.B_SHARE])
def test_everything_on_the_stock_exchanges_has_the_hours_of_shares(cls):
    assert phases.phase_edges(SESSION, cls) == phases.phase_edges(SESSION)


@pytest.mark.parametrize(
    ("clock", "index_phase", "treasury_phase"),
    [
        ("09:24:59", Phase.PRE_OPEN, Phase.PRE_OPEN),
        ("09:25:00", Phase.OPENING_CALL, Phase.OPENING_CALL),
        ("09:29:00", Phase.OPENING_PAUSE, Phase.OPENING_PAUSE),
        ("09:30:00", Phase.CONTINUOUS, Phase.CONTINUOUS),
        ("11:30:00", Phase.LUNCH, Phase.LUNCH),
        ("14:59:59", Phase.CONTINUOUS, Phase.CONTINUOUS),
        ("15:00:00", Phase.CLOSED, Phase.CONTINUOUS),
        ("15:15:00", Phase.CLOSED, Phase.CLOSED),
    ],
)
def test_futures_have_no_closing_call_and_treasuries_trade_a_quarter_of_an_hour_longer(
    clock, index_phase, treasury_phase
):
    assert phase_at(at(clock), FUTURE) is index_phase
    assert phase_at(at(clock), TREASURY_FUTURE) is treasury_phase


def test_the_edges_of_a_session_are_where_the_phase_changes():
    edges = phases.phase_edges(SESSION)
    assert [phase for _, phase in edges] == [
        Phase.PRE_OPEN,
        Phase.OPENING_CALL,
        Phase.OPENING_PAUSE,
        Phase.CONTINUOUS,
        Phase.LUNCH,
        Phase.CONTINUOUS,
        Phase.CLOSING_CALL,
        Phase.CLOSING_PAUSE,
        Phase.AFTER_HOURS,
        Phase.CLOSED,
    ]
    for time, phase in edges:
        assert phase_at(time) is phase
        assert phase_at(time - 1) is not phase


def test_a_session_opens_with_continuous_trading_and_closes_with_the_closing_call():
    assert phases.session_open_ns(SESSION) == at("09:30")
    assert phases.session_close_ns(SESSION) == at("15:00")
    assert phases.session_close_ns(SESSION, TREASURY_FUTURE) == at("15:15")


def test_the_day_of_an_instant_is_the_day_in_shanghai():
    assert phases.session_of(at("00:00")) == SESSION
    assert phases.session_of(at("00:00") - 1) == 20220531
    assert phases.session_of(at("23:59:59")) == SESSION


@pytest.mark.parametrize("session", [20210230, 20211301, 0, -1, 202206011])
def test_a_session_that_is_no_date_is_refused(session):
    with pytest.raises(ValueError, match=f"session {session} is not a date; expected yyyymmdd"):
        phases.midnight_ns(session)


def times_of(table) -> np.ndarray:
    """The files carry naive Shanghai time."""
    return table["ts"].to_numpy().astype("datetime64[ns]").astype(np.int64) - phases.SHANGHAI_NS


def test_real_crossed_books_and_missing_prices_of_shenzhen_all_lie_outside_continuous_trading(marketdata):
    table = pq.read_table(
        marketdata / "ashare_sz5_snapshot_20220601.parquet", columns=["ts", "last", "bid1", "ask1", "phase"]
    )
    found = phases_of(times_of(table))
    bid, ask, last = (table[name].to_numpy() for name in ("bid1", "ask1", "last"))
    odd = ((bid > 0) & (bid >= ask) & (ask > 0)) | (last == 0)
    assert odd.sum() > 300
    assert not (odd & (found == Phase.CONTINUOUS)).any()


def test_our_phases_are_those_of_the_vendor_but_for_rows_on_an_edge(marketdata):
    table = pq.read_table(marketdata / "ashare_sz5_snapshot_20220601.parquet", columns=["ts", "phase"])
    vendors = np.array([Phase.OPENING_CALL, Phase.OPENING_PAUSE, Phase.CONTINUOUS, Phase.LUNCH])
    vendor = table["phase"].to_numpy()
    common = vendor <= 4
    times = times_of(table)
    differs = phases_of(times)[common] != vendors[vendor[common] - 1]
    on_edge = np.isin(times[common], [time for time, _ in phases.phase_edges(SESSION)])
    assert common.sum() > 20_000
    assert (differs <= on_edge).all()


def test_real_index_futures_trade_in_continuous_phases_but_for_the_auction_and_the_settlement(marketdata):
    table = pq.read_table(marketdata / "cffex_if2101_ticks_20210104_06.parquet", columns=["ts", "volume"])
    found = phases_of(times_of(table), FUTURE)
    traded = table["volume"].to_numpy() > 0
    counts = {phase: int((found[traded] == phase).sum()) for phase in Phase}
    assert counts[Phase.OPENING_PAUSE] == 3  # one auction result a day
    assert counts[Phase.CONTINUOUS] > 40_000
    assert sum(counts.values()) - counts[Phase.CONTINUOUS] < 10
