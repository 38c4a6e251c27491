"""Laws of the collector: what it writes depends on the rows alone, nothing is lost, and a restart leaves no trace."""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.collector.feed import PRICES, QUANTITIES, Feed, RawBatch
from dfp.collector.increments import Increments
from dfp.collector.order import JUMP_NS, LATENESS_NS, UNSET, day_of, judge
from dfp.collector.replay import ReplayFeed
from dfp.collector.synthetic import SyntheticFeed
from dfp.contracts.errors import ContractError
from dfp.contracts.flags import UNFIT, Flag
from dfp.log.work import Work
from raw_rows import SESSION, batch, collector, conserved, entries, moment, read, run

SECOND = 10**9
SYMBOLS = ("600000.SH", "000001.SZ", "300750.SZ", "IF2612.CF", "nonsense")

steps = st.sampled_from([0, 0, 0, 1_000_000, 2_000_000, 500_000_000, SECOND, 3 * SECOND, 61 * SECOND, 400 * SECOND])
lags = st.sampled_from([0, 0, 0, 0, 1_000_000, SECOND, 3 * SECOND, 3 * SECOND + 1, 600 * SECOND])
leads = st.sampled_from([0, 0, 0, 0, 0, 0, 61 * SECOND, 900 * SECOND, 40 * 86_400 * SECOND])
prices = st.sampled_from([10.0, 10.01, 9.99, 11.0, 8.0, 0.0, math.nan, -1.0])


@st.composite
def feeds(draw: st.DrawFn) -> RawBatch:
    """Rows of a day or two: late ones, repeated ones, skewed clocks, falling volume, bad prices, unknown symbols."""
    clock = moment(draw(st.sampled_from(["09:29:58", "14:56:57", "14:56:57", "15:29:58", "15:29:58"])))
    rows: list[dict[str, Any]] = []
    volume = 0.0
    for _ in range(draw(st.integers(1, 30))):
        if rows and draw(st.integers(0, 9)) == 0:
            rows.append(draw(st.sampled_from(rows)))
            continue
        clock += draw(steps)
        volume = max(0.0, volume + draw(st.sampled_from([0.0, 100.0, 700.0, -500.0])))
        row = {
            "symbol": draw(st.sampled_from(SYMBOLS)),
            "time": clock - draw(lags) + draw(leads),
            "volume": draw(st.sampled_from([volume, volume, math.nan])),
            "turnover": volume * 10,
            "per_row": draw(st.booleans()),
            "fingerprint": len(rows),
            "pre_close": 10.0,
            **{name: draw(prices) for name in ("last", "bid1", "ask1")},
        }
        rows.append(row)
    return batch(*rows)


@st.composite
def divided(draw: st.DrawFn) -> tuple[RawBatch, list[RawBatch]]:
    """A feed, whole and in pieces."""
    whole = draw(feeds())
    pieces, rest = [], whole
    while len(rest) > 1 and draw(st.booleans()):
        head, rest = rest.cut(draw(st.integers(1, len(rest) - 1)))
        pieces.append(head)
    return whole, [*pieces, rest]


@given(feeds())
def test_every_row_is_accepted_or_rejected(feed: RawBatch) -> None:
    core, work = collector(), Work()
    core.take(feed, work)
    assert conserved(work)
    core.finish(work)
    assert conserved(work)
    assert work.counts["read"] == len(feed)
    accepted = work.counts.get("accepted", 0)
    assert sum(frame.rows for frame in read(work).frames) == accepted
    assert sum(number for name, number in work.counts.items() if name.startswith("phase/")) == accepted


@given(divided())
def test_how_rows_arrive_in_batches_changes_nothing(feed: tuple[RawBatch, list[RawBatch]]) -> None:
    whole, pieces = feed
    once, often = run([whole]), run(pieces)
    assert entries(once) == entries(often)
    assert once.counts == often.counts
    assert sorted(write.payload for write in once.writes) == sorted(write.payload for write in often.writes)


@given(divided())
def test_a_core_goes_on_from_a_saved_state_as_if_nothing_had_happened(feed: tuple[RawBatch, list[RawBatch]]) -> None:
    whole, pieces = feed
    work = Work()
    state = b""
    for piece in pieces:
        core = collector()
        core.load(state)
        core.take(piece, work)
        state = core.save()
        assert core.position == piece.position
    again = collector()
    again.load(state)
    assert again.save() == state
    again.finish(work)
    assert entries(work) == entries(run([whole]))


@given(feeds(), st.integers(0, 2**32))
def test_the_size_of_frames_changes_neither_ticks_nor_the_clock(feed: RawBatch, seed: int) -> None:
    logs = [read(run([feed], collector(rows))) for rows in ("1", "512", f"random:{seed}")]
    for log in logs[1:]:
        assert log.order == logs[0].order
        assert log.clocks == logs[0].clocks
        if logs[0].frames:
            for name, column in log.ticks.items():
                assert column.tobytes() == logs[0].ticks[name].tobytes()


@given(divided(), st.data())
def test_silence_written_in_between_changes_nothing(feed: tuple[RawBatch, list[RawBatch]], data: st.DataObject) -> None:
    whole, pieces = feed
    core, work = collector(), Work()
    for piece in pieces:
        watermark = int(core.watermarks(piece)[0])
        if watermark != UNSET:
            allowed = watermark - LATENESS_NS
            core.advance(data.draw(st.integers(max(core.horizon, 0), max(allowed, core.horizon, 0))), work)
        core.take(piece, work)
    core.finish(work)
    assert entries(work) == entries(run([whole]))


@given(feeds())
def test_ticks_are_in_order_and_the_clock_ticks_each_second_until_its_end(feed: RawBatch) -> None:
    log = read(run([feed]))
    times = [time for kind, time in log.order if kind == "tick"]
    assert times == sorted(times)
    latest = 0
    for kind, time in log.order:
        assert time >= latest
        latest = time if kind == "clock" else latest
    for session, clocks in itertools.groupby(log.clocks, key=lambda clock: clock.session):
        listed = list(clocks)
        assert [clock.end for clock in listed] == [False] * (len(listed) - 1) + [True]
        assert [clock.time - listed[0].time for clock in listed] == [SECOND * index for index in range(len(listed))]
        assert session in {frame.session for frame in log.frames}


@given(feeds())
def test_ticks_are_numbered_without_gap_per_symbol_and_session(feed: RawBatch) -> None:
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for frame in read(run([feed])).frames:
        for symbol, n in zip(frame["symbol"].tolist(), frame["n"].tolist(), strict=True):
            seen[symbol, frame.session] += 1
            assert n == seen[symbol, frame.session]


@given(feeds())
def test_a_tick_is_fit_exactly_when_its_price_book_and_clock_are_sound(feed: RawBatch) -> None:
    log = read(run([feed]))
    if not log.frames:
        return
    ticks = log.ticks
    for last, up, down, flags in zip(
        *(ticks[name].tolist() for name in ("last", "limit_up", "limit_down", "flags")), strict=True
    ):
        sound = last > 0 and (up == 0 or last <= up) and (down == 0 or last >= down)
        assert bool(flags & (Flag.BEYOND_LIMIT | Flag.NO_PRICE)) != sound
        assert not (flags & Flag.AT_LIMIT_UP and flags & Flag.BEYOND_LIMIT)
        if not sound:
            assert flags & UNFIT


rows_of_anything = st.lists(
    st.tuples(
        st.sampled_from([*SYMBOLS, "", "\0", "𝔘" * 40]),
        st.one_of(
            st.integers(moment("15:00:00"), moment("15:20:00")),
            st.sampled_from(["1991-03-04", "2026-11-26", "2099-12-31"]).map(lambda day: moment("15:20:00", day)),
        ),
        st.lists(st.floats(), min_size=10, max_size=10),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(rows_of_anything)
def test_no_number_whatever_stops_the_collector(rows: list[tuple[str, int, list[float]]]) -> None:
    names = (*PRICES, *QUANTITIES)
    hostile = batch(
        *({"symbol": symbol, "time": time, **dict(zip(names, values, strict=True))} for symbol, time, values in rows)
    )
    work = run([hostile])
    assert conserved(work)
    for frame in read(work).frames:
        for name in ("last", "bid1", "ask1", "limit_up", "limit_down", "bid1_volume", "ask1_volume", "pre_close"):
            assert (frame[name] >= 0).all()


def plain_judge(times: Sequence[int], watermark: int) -> tuple[list[int], list[str]]:
    """The rule as docs/data.md tells it, row by row."""
    marks, verdicts = [], []
    for index, time in enumerate(times):
        following = times[index + 1] if index + 1 < len(times) else None
        if time <= watermark + JUMP_NS:
            verdicts.append("late" if time < watermark - LATENESS_NS else "good")
            watermark = max(watermark, time)
        elif following is None:
            verdicts.append("undecided")
        elif following < time - JUMP_NS:
            verdicts.append("skewed" if day_of(following) == day_of(time) else "stray")
        else:
            verdicts.append("good")
            watermark = time
        marks.append(watermark)
    return marks, verdicts


@given(
    st.lists(st.sampled_from([0, 1, 30, 59, 60, 61, 3600, 90_000, 5]).map(lambda second: second * SECOND), max_size=12),
    st.sampled_from([UNSET, 0, 30 * SECOND]),
)
def test_the_verdict_on_times_is_that_of_the_plain_rule(times: list[int], watermark: int) -> None:
    order = judge(np.array(times, np.int64), watermark)
    marks, verdicts = plain_judge(times, watermark)
    assert order.watermarks.tolist() == marks
    for index, verdict in enumerate(verdicts):
        assert order.late[index] == (verdict == "late")
        assert order.skewed[index] == (verdict in ("skewed", "stray"))
        assert order.stray[index] == (verdict == "stray")
    assert order.undecided == (verdicts[-1:] == ["undecided"])


sums = st.sampled_from([math.nan, 0.0, 100.0, 200.0, 250.0, 900.0])


additions = st.tuples(st.integers(0, 2), sums, sums, st.booleans(), st.booleans())


@given(st.lists(st.lists(additions, min_size=1, max_size=8), max_size=4))
def test_what_ticks_add_is_what_a_loop_over_them_gives(
    calls: list[list[tuple[int, float, float, bool, bool]]],
) -> None:
    increments = Increments()
    increments.reserve(3)
    counted: dict[int, int] = defaultdict(int)
    volume_so_far: dict[int, float] = defaultdict(float)
    turnover_so_far: dict[int, float] = defaultdict(float)
    volume_waiting: dict[int, float] = defaultdict(float)
    turnover_waiting: dict[int, float] = defaultdict(float)
    for rows in calls:
        slots, volumes, turnovers, per_row, counts = (np.array(column) for column in zip(*rows, strict=True))
        added = increments.add(slots.astype(np.int32), volumes, turnovers, per_row, counts)
        for index, (slot, volume, turnover, alone, counts_too) in enumerate(rows):
            counted[slot] += 1
            expected_volume, expected_turnover, rebased = 0.0, 0.0, False
            if alone:
                volume_waiting[slot] += 0.0 if math.isnan(volume) else volume
                turnover_waiting[slot] += 0.0 if math.isnan(turnover) else turnover
                if counts_too:
                    expected_volume, expected_turnover = volume_waiting.pop(slot), turnover_waiting.pop(slot)
            elif counts_too:
                if not math.isnan(volume):
                    expected_volume = volume - volume_so_far[slot]
                    rebased = expected_volume < 0
                    expected_volume = volume if rebased else expected_volume
                    volume_so_far[slot] = volume
                if not math.isnan(turnover):
                    expected_turnover = turnover if rebased else turnover - turnover_so_far[slot]
                    turnover_so_far[slot] = turnover
            assert added.n[index] == counted[slot]
            assert added.volume[index] == expected_volume
            assert added.turnover[index] == expected_turnover
            assert added.rebased[index] == rebased


def taken_up(feed: Feed, positions: Sequence[int]) -> Work:
    """A feed whose collector is replaced at each position by one that knows its saved state only."""
    work, state = Work(), b""
    for position in (*positions, None):
        core = collector()
        core.load(state)
        for piece in feed.batches(core.position):
            if position is not None and piece.position > position:
                head, _ = piece.split(position)
                core.take(head, work)
                break
            core.take(piece, work)
        state = core.save()
    core.finish(work)
    return work


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 20_979), min_size=1, max_size=4, unique=True).map(sorted))
def test_a_replay_is_taken_up_at_any_row(marketdata: Path, positions: list[int]) -> None:
    feed = ReplayFeed([marketdata / "ashare_sz5_snapshot_20220601.parquet"])
    assert digest(taken_up(feed, positions)) == WHOLE.setdefault("replay", digest(run(feed.batches(0))))


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 34_099), min_size=1, max_size=4, unique=True).map(sorted))
def test_trades_are_taken_up_at_any_row(marketdata: Path, positions: list[int]) -> None:
    feed = ReplayFeed([marketdata / "ashare_hikyuu_trans_201902.parquet"])
    assert digest(taken_up(feed, positions)) == WHOLE.setdefault("trades", digest(run(feed.batches(0))))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 9_600), min_size=1, max_size=4, unique=True).map(sorted))
def test_a_synthetic_market_is_taken_up_at_any_row(positions: list[int]) -> None:
    feed = SyntheticFeed(1, 7, SESSION, lambda session: session + 1, sessions=2)
    assert digest(taken_up(feed, positions)) == WHOLE.setdefault("synthetic", digest(run(feed.batches(0))))


WHOLE: dict[str, tuple[int, int]] = {}


def digest(work: Work) -> tuple[int, int]:
    return len(entries(work)), hash(tuple((write.seq, write.payload) for write in entries(work)))


def test_a_state_of_another_version_is_refused_and_an_empty_one_starts_afresh() -> None:
    core = collector()
    core.take(batch({}), Work())
    state = core.save()
    newer = state[:1] + b"\x03" + state[2:]
    for other in (b"\x00", state[:-1], newer):
        with pytest.raises(ContractError, match=r"collector state: .*version 2"):
            core.load(other)
    with pytest.raises(ContractError, match="collector state: 1 is not allowed; expected 5 levels of the book"):
        collector(levels=5).load(state)
    core.load(b"")
    assert (core.position, core.seq, core.horizon) == (0, 0, UNSET)
