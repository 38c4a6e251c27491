"""Where frames end, and where the log's clock stands between them."""

import itertools

import pytest

from dfp.collector.framing import FrameRows
from dfp.contracts.errors import ContractError
from dfp.log.work import Work
from dfp.market.phases import Phase
from raw_rows import batch, collector, entries, moment, read, run

SECOND = 10**9


def at(*clocks: str, **row: object) -> list[dict[str, object]]:
    return [{**row, "time": clock} for clock in clocks]


def test_ticks_of_one_instant_travel_together() -> None:
    rows = at("10:00:00", "10:00:00.001", "10:00:00.002", "10:00:00.002")
    assert [frame.rows for frame in read(run([batch(*rows)])).frames] == [2, 2]


def test_an_instant_is_written_whole_even_when_event_time_stands_inside_of_it() -> None:
    rows = at("10:00:00", "10:00:00.001", "10:00:03.001", "10:00:03.002")
    pieces = [batch(row, first=number) for number, row in enumerate(rows, 1)]
    assert entries(run(pieces)) == entries(run([batch(*rows)]))


def test_an_instant_with_more_rows_than_a_frame_holds_is_divided() -> None:
    rows = at(*["10:00:00"] * 5)
    assert [frame.rows for frame in read(run([batch(*rows)], collector("2"))).frames] == [2, 2, 1]


def test_the_clock_stands_before_the_first_tick_of_each_second() -> None:
    log = read(run([batch(*at("10:00:00.5", "10:00:00.7", "10:00:01", "10:00:01.2"))]))
    assert [kind for kind, _ in log.order] == ["clock", "tick", "tick", "clock", "tick", "tick", "clock"]
    assert [clock.time for clock in log.clocks] == [moment(f"10:00:0{second}") for second in (0, 1, 2)]
    assert [clock.end for clock in log.clocks] == [False, False, True]


def test_the_clock_goes_on_through_lunch_second_by_second() -> None:
    log = read(run([batch(*at("11:29:58", "13:00:01", "13:00:01"))]))
    times = [clock.time for clock in log.clocks]
    assert times == list(range(moment("11:29:58"), moment("13:00:02") + 1, SECOND))
    phases = {clock.time: clock.phase for clock in log.clocks}
    assert phases[moment("11:30:00")] == Phase.LUNCH
    assert phases[moment("13:00:00")] == Phase.CONTINUOUS


def test_a_session_that_is_followed_by_another_one_ends_at_its_last_phase_edge() -> None:
    rows = [*at("15:00:00", "15:00:03"), *at("09:15:00", "09:15:00", day="2026-11-26")]
    log = read(run([batch(*rows)]))
    ends = [clock for clock in log.clocks if clock.end]
    assert [(clock.session, clock.time) for clock in ends] == [
        (20261125, moment("15:30:00")),
        (20261126, moment("09:15:01", "2026-11-26")),
    ]
    assert ends[0].phase == Phase.CLOSED
    second_day = [clock.time for clock in log.clocks if clock.session == 20261126]
    assert second_day[0] == moment("09:15:00", "2026-11-26")


def test_ticks_behind_the_last_phase_edge_still_come_before_the_end() -> None:
    rows = [*at("15:29:59", "15:31:00", "15:31:00"), *at("09:15:00", "09:15:00", day="2026-11-26")]
    log = read(run([batch(*rows)]))
    assert next(clock.time for clock in log.clocks if clock.end) == moment("15:31:01")


def test_sequence_numbers_are_contiguous_from_one() -> None:
    work = run([batch(*at("10:00:00", "10:00:00", "10:00:07"))])
    assert [write.seq for write in entries(work)] == list(range(1, len(entries(work)) + 1))


def test_every_tick_behind_a_clock_is_at_or_behind_its_time() -> None:
    rows = at("10:00:02", "10:00:00.5", "10:00:03", "10:00:01")
    for (kind, time), (_, following) in itertools.pairwise(read(run([batch(*rows)])).order):
        assert following >= time if kind == "clock" else following > time - SECOND


def test_silence_is_written_while_it_lasts_and_changes_nothing() -> None:
    before, after = batch(*at("11:29:58", "11:29:59")), batch(*at("13:00:00", "13:00:00"), first=3)
    at_once = run([before, after])
    core, work = collector(), Work()
    core.take(before, work)
    written = len(work.writes)
    core.advance(moment("12:00:00"), work)
    assert len(work.writes) - written > 1800
    assert read(work).clocks[-1].time == moment("12:00:00")
    core.advance(moment("11:59:00"), work)
    core.take(after, work)
    core.finish(work)
    assert work == at_once


def test_silence_does_not_end_a_session() -> None:
    core, work = collector(), Work()
    core.take(batch(*at("15:00:00", "15:00:00")), work)
    core.advance(moment("23:00:00"), work)
    last = read(work).clocks[-1]
    assert (last.time, last.end) == (moment("15:29:59"), False)


def test_a_row_whose_clock_waits_for_the_next_row_is_believed_when_silence_passes_it() -> None:
    rows = at("11:29:59", "13:00:00"), at("13:00:40", "13:00:40")
    batches = [batch(*rows[0]), batch(*rows[1], first=3)]
    core, work = collector(), Work()
    core.take(batches[0], work)
    core.advance(moment("13:00:20"), work)
    assert read(work).ticks["time"].tolist()[-1] == moment("13:00:00")
    core.take(batches[1], work)
    core.finish(work)
    assert work == run(batches)


def test_nothing_is_written_for_a_feed_without_rows() -> None:
    assert run([]).writes == []


@pytest.mark.parametrize("text", ["0", "65537", "-1", "1.5", "", "random", "random:", "random:x", "512 ", "٣"])
def test_an_impossible_frame_size_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match=r"frame rows: .*1 to 65536, or random:SEED"):
        FrameRows.parse(text)


def test_random_frame_sizes_repeat_with_their_seed_and_differ_with_another() -> None:
    def sizes(seed: int) -> list[int]:
        return [FrameRows.parse(f"random:{seed}").limit(row) for row in range(200)]

    assert sizes(1) == sizes(1)
    assert sizes(1) != sizes(2)
    assert 1 <= min(sizes(1)) < 30
    assert 480 < max(sizes(1)) <= 512
