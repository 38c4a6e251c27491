"""The invented market: repeatable, enterable anywhere, and like the real one in the figures that matter."""

import dataclasses

import numpy as np
import pytest

from dfp.collector.feed import FeedError
from dfp.collector.synthetic import SyntheticFeed
from dfp.collector.synthetic_market import CONTINUOUS, DAY, LARGEST, WAVE_NS, invent
from dfp.market.instruments import Board, InstrumentClass, classify
from dfp.market.phases import Phase
from raw_rows import SESSION, collector, moment, read, run


def tomorrow(session: int) -> int:
    return session + 1


def feed(names: int = 5, seed: int = 1, sessions: int | None = 1) -> SyntheticFeed:
    return SyntheticFeed(names, seed, SESSION, tomorrow, sessions)


def day(names: int, seed: int = 1) -> np.ndarray:
    """Rows of one session, waves x names."""
    return np.concatenate([batch.rows for batch in feed(names, seed).batches(0)]).reshape(len(DAY), names)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    def prices(seed: int) -> bytes:
        return next(feed(seed=seed).batches(0)).rows.tobytes() + b"".join(
            batch.rows.tobytes() for batch in feed(seed=seed).batches(1000 * 5)
        )

    assert prices(1) == prices(1)
    assert prices(1) != prices(2)


@pytest.mark.parametrize("after", [0, 1, 4, 5, 199, 200, 201, 8_190, 8_200, 12_345, len(DAY) * 5 - 1, len(DAY) * 5 + 3])
def test_reading_goes_on_at_any_row(after: int) -> None:
    whole = np.concatenate([batch.rows for batch in feed(sessions=2).batches(0)])
    rest = list(feed(sessions=2).batches(after))
    assert np.concatenate([batch.rows for batch in rest]).tobytes() == whole[after:].tobytes()
    assert rest[-1].position == len(whole)


def test_positions_rise_and_are_the_number_of_the_last_row() -> None:
    positions = [(batch.position, int(batch.rows["number"][-1])) for batch in feed(names=300).batches(0)]
    assert all(position == number for position, number in positions)
    assert sorted({position for position, _ in positions}) == [position for position, _ in positions]


def test_the_next_session_opens_from_this_ones_close_with_new_limits() -> None:
    rows = np.concatenate([batch.rows for batch in feed(sessions=2).batches(0)]).reshape(2, len(DAY), 5)
    assert (rows[1]["pre_close"] == rows[0]["last"][-1]).all()
    assert rows[1]["time"][0].min() == moment("09:15:00", "2026-11-26")
    assert (rows[1]["limit_up"][0] != rows[0]["limit_up"][0]).any()
    assert rows[1]["volume"][0].tolist() == [0.0] * 5


def test_without_a_limit_it_never_ends() -> None:
    batches = feed(sessions=None).batches(3 * len(DAY) * 5)
    assert next(batches).rows["time"][0] == moment("09:15:00", "2026-11-28")


def test_the_whole_market_arrives_in_waves() -> None:
    offset = invent(LARGEST, 1).offset
    assert (offset == 0).sum() == 2_900
    assert offset.max() < WAVE_NS
    spread = np.unique(offset[offset > 0], return_counts=True)[1]
    assert len(spread) == 29
    assert spread.max() - spread.min() <= 1


@pytest.mark.parametrize("names", [1, 2, 7, 300, LARGEST])
def test_names_are_real_symbols_each_once_over_the_boards(names: int) -> None:
    symbols = invent(names, 1).symbols
    assert len(set(symbols)) == len(symbols) == names
    instruments = [classify(symbol) for symbol in symbols]
    assert {instrument.cls for instrument in instruments} == {InstrumentClass.SHARE}
    if names >= 300:
        assert {instrument.board for instrument in instruments} == set(Board) - {Board.NONE}


@pytest.mark.parametrize("names", [0, -1, LARGEST + 1])
def test_an_impossible_number_of_names_is_refused(names: int) -> None:
    with pytest.raises(FeedError, match=f"names: {names} is not allowed; expected 1 to 5551"):
        feed(names)


def test_volume_is_high_at_the_open_and_the_close() -> None:
    volume = day(200)["volume"]
    traded = np.diff(volume, axis=0)[np.flatnonzero(DAY.kind == CONTINUOUS)[1:] - 1]
    noon = traded[2300:2500].mean()
    assert traded[:200].mean() > 2 * noon
    assert traded[-200:].mean() > 2 * noon


def test_volume_and_turnover_never_fall_and_belong_to_prices_that_were_made() -> None:
    rows = day(200)
    assert (np.diff(rows["volume"], axis=0) >= 0).all()
    assert (np.diff(rows["turnover"], axis=0) >= 0).all()
    paid = rows["turnover"][-1] / rows["volume"][-1]
    traded = rows["last"][DAY.kind == CONTINUOUS]
    assert ((paid > 0.99 * traded.min(axis=0)) & (paid < 1.01 * traded.max(axis=0))).all()


def test_some_prices_run_away_so_that_strategies_have_something_to_find() -> None:
    last = day(300)["last"][DAY.kind == CONTINUOUS]
    steps = np.abs(last[40::40] / last[:-40:40] - 1)
    assert 10 < (steps > 0.01).sum() < 1000


def test_a_clean_day_passes_cleaning_without_a_mark() -> None:
    work = run(feed(names=40, seed=3).batches(0))
    rows = len(DAY) * 40
    assert work.counts["read"] == work.counts["accepted"] == rows
    marks = {name for name in work.counts if name.startswith("flagged/")}
    assert marks <= {"flagged/NO_PRICE", "flagged/AT_LIMIT_UP", "flagged/AT_LIMIT_DOWN"}
    assert work.counts["flagged/NO_PRICE"] == work.counts[f"phase/{Phase.OPENING_CALL.name}"]


def test_at_a_limit_one_side_of_the_book_is_empty() -> None:
    wild = feed(names=50)
    wild.market = dataclasses.replace(wild.market, volatility=np.full(50, 0.15))
    rows = np.concatenate([batch.rows for batch in wild.batches(0)]).reshape(len(DAY), 50)
    continuous = DAY.kind[:, None] == CONTINUOUS
    up, down = (continuous & (rows["last"] == rows[limit]) for limit in ("limit_up", "limit_down"))
    assert up.sum() > 0
    assert (rows["ask1"][up] == 0).all()
    assert (rows["bid1"][up] == rows["limit_up"][up]).all()
    assert down.sum() > 0
    assert (rows["bid1"][down] == 0).all()
    assert (rows["ask1"][down] == rows["limit_down"][down]).all()


def test_a_tick_carries_the_auctions_volume_into_continuous_trading() -> None:
    core = collector()
    ticks = read(run(feed(names=1).batches(0), core)).ticks
    first = np.flatnonzero(ticks["phase"] == Phase.CONTINUOUS)[0]
    assert ticks["volume"][:first].sum() == 0
    assert ticks["volume"][first] > 10 * np.median(ticks["volume"][first + 1 :])
