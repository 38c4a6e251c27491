"""Laws of a live feed: whatever producers send and however it is batched, the log's contracts hold."""

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dfp.collector.live_core import LiveCore
from dfp.collector.order import LATENESS_NS
from dfp.log.work import Work
from raw_entries import Entries, document, feed, live, time_text
from raw_rows import Log, conserved, entries, moment, read

SYMBOLS = ("600000.SH", "000001.SZ", "IF2101.CF", "nonsense")
JUNK = (b"", b"junk", document(volumne=1), document(last=None), document(last=-1.0), document(volume=1e300))


@st.composite
def streams(draw: st.DrawFn) -> Entries:
    """Entries whose ids rise, near the close so that a session may end among them."""
    made: Entries = []
    arrived = moment(draw(st.sampled_from(("10:00:00", "11:29:58", "15:29:50", "23:59:50"))))
    for number in range(draw(st.integers(1, 25))):
        arrived += draw(st.sampled_from((0, 0, 1, 300, 1_500, 5_000))) * 10**6
        if draw(st.integers(0, 4)) == 0:
            text = draw(st.sampled_from(JUNK))
        else:
            offset = draw(st.sampled_from((0, 0, -250, -1_100, -2_900, -3_500, -6_500, 2_500, 3_500, 10**8))) * 10**6
            sum_so_far = draw(st.sampled_from((None, 0, 100 * number, 50)))
            symbol = draw(st.sampled_from(SYMBOLS))
            text = document(symbol=symbol, time=time_text(arrived + offset), volume=sum_so_far, last=10 + number % 3)
        if made and draw(st.integers(0, 5)) == 0:
            text = made[-1][1][b"d"]  # a producer that repeats itself
        made.append((b"%d-%d" % (arrived // 10**6, number), {b"d": text}))
    return made


def taken(core: LiveCore, parts: Sequence[Entries]) -> Work:
    work = Work()
    for part in parts:
        feed(core, part, work)
    return work


def split(stream: Entries, edges: Sequence[int]) -> list[Entries]:
    cuts = [0, *sorted({edge % len(stream) for edge in edges} - {0}), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(cuts)]


def ticks(log: Log) -> list[tuple[Any, ...]]:
    """Every column of every tick, by symbol and number: frames may be cut anywhere."""
    return sorted(zip(*(column.tolist() for column in log.ticks.values()), strict=True)) if log.frames else []


edges = st.lists(st.integers(1, 24), max_size=6)


@given(streams(), st.booleans())
def test_the_clock_contract_holds(stream: Entries, by_wall: bool) -> None:
    work = taken(live(by_wall=by_wall), [[one] for one in stream])
    clock, newest = 0, 0
    for kind, time in read(work).order:
        assert time >= clock
        if kind == "clock":
            assert time > newest
            clock = time
        else:
            newest = max(newest, time)
    clocks = [clock.time for clock in read(work).clocks]
    assert clocks == sorted(set(clocks))
    assert [write.seq for write in entries(work)] == list(range(1, len(entries(work)) + 1))


@given(streams(), st.booleans())
def test_every_entry_is_accounted_for(stream: Entries, by_wall: bool) -> None:
    core = live(by_wall=by_wall)
    work = taken(core, [stream])
    assert work.counts["read"] == core.position == len(stream)
    assert conserved(work)
    assert len(ticks(read(work))) == work.counts.get("accepted", 0)


@given(streams(), edges, st.booleans())
def test_batches_leave_no_trace_but_in_the_frames(stream: Entries, cuts: list[int], by_wall: bool) -> None:
    whole, parts = live(by_wall=by_wall), live(by_wall=by_wall)
    at_once, in_parts = taken(whole, [stream]), taken(parts, split(stream, cuts))
    assert in_parts.counts == at_once.counts
    assert ticks(read(in_parts)) == ticks(read(at_once))
    assert read(in_parts).clocks == read(at_once).clocks
    parts.resume(whole.place)
    assert parts.save() == whole.save()


@given(streams(), edges, st.integers(0, 24), st.integers(0, 9_000))
def test_entries_behind_a_snapshot_leave_the_state_that_was_lost(
    stream: Entries, cuts: list[int], at: int, silence_ms: int
) -> None:
    kept, behind = stream[: at % len(stream)], stream[at % len(stream) :]
    core = live()
    if kept:
        taken(core, [kept])
    snapshot = core.save()
    taken(core, split(behind, cuts))
    arrived = int(behind[-1][0].partition(b"-")[0])
    core.advance((arrived + silence_ms) * 10**6 - LATENESS_NS, Work())

    again = live()
    again.load(snapshot)
    taken(again, [behind])
    again.advance(core.horizon, Work())
    again.resume(core.place)
    assert again.save() == core.save()
