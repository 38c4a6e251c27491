"""A live feed writes ticks as they arrive, and keeps the log's clock true."""

import itertools
import json
from typing import Any

import pytest

from dfp.collector.live import LiveRunner
from dfp.collector.live_core import LiveCore, Place
from dfp.collector.service import writer_of
from dfp.collector.settings import CollectorSettings
from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.entry import Kind
from dfp.contracts.errors import ContractError
from dfp.log.work import Work
from dfp.market.calendar import Calendar
from dfp.market.phases import Phase
from dfp.runtime.service import Service
from raw_entries import document, entry, feed, live, time_text
from raw_rows import NAMES, SESSION, conserved, dead_letters, entries, moment, read


def reasons(work: Work) -> dict[str, int]:
    return {
        name.removeprefix("rejected/"): count for name, count in work.counts.items() if name.startswith("rejected/")
    }


def times(work: Work) -> list[int]:
    return read(work).ticks["time"].tolist()


def test_a_tick_is_written_at_once_behind_its_clock() -> None:
    work = feed(live(), entry("10:00:00.250"))
    log = read(work)
    assert log.order == [("clock", moment("10:00:00")), ("tick", moment("10:00:00.250"))]
    assert (log.frames[0].session, log.clocks[0].phase) == (SESSION, Phase.CONTINUOUS)
    assert work.counts == {"read": 1, "accepted": 1, "phase/CONTINUOUS": 1}


def test_what_is_read_together_is_written_together() -> None:
    symbols = ["600000.SH", "000001.SZ", "920000.BJ"]
    wave = [entry("10:00:03", number, symbol=symbol)[0] for number, symbol in enumerate(symbols)]
    (frame,) = read(feed(live(), wave)).frames
    assert frame["n"].tolist() == [1, 1, 1]


def test_ticks_of_one_instant_may_arrive_one_by_one() -> None:
    core, work = live(), Work()
    for number, symbol in enumerate(("600000.SH", "000001.SZ", "600000.SH")):
        feed(core, entry("10:00:03.1", number, symbol=symbol, time="2026-11-25 10:00:03", last=10 + number), work)
    assert read(work).ticks["n"].tolist() == [1, 1, 2]
    assert times(work) == [moment("10:00:03")] * 3


def test_a_tick_of_the_running_second_keeps_its_time() -> None:
    core = live()
    work = feed(core, entry("10:00:03.5"))
    feed(core, entry("10:00:03.6", symbol="000001.SZ", time="2026-11-25 10:00:03.1"), work)
    assert times(work) == [moment("10:00:03.5"), moment("10:00:03.1")]
    assert "retimed" not in work.counts


def test_a_tick_behind_the_clock_gets_the_clocks_time_and_phase() -> None:
    core = live()
    work = feed(core, entry("11:30:00.2"))
    feed(core, entry("11:30:00.3", symbol="000001.SZ", time="2026-11-25 11:29:59.9"), work)
    log = read(work)
    assert times(work) == [moment("11:30:00.2"), moment("11:30:00")]
    assert log.ticks["phase"].tolist() == [Phase.LUNCH, Phase.LUNCH]
    assert work.counts["retimed"] == 1


@pytest.mark.parametrize(
    ("symbol", "time", "reason"),
    [
        ("000001.SZ", "10:00:02.0", None),
        ("000001.SZ", "10:00:01.9", "out-of-order"),
        ("600000.SH", "10:00:04.9", "out-of-order"),
        ("600000.SH", "10:00:05.0", None),
        ("000001.SZ", "10:00:08.0", None),
        ("000001.SZ", "10:00:08.001", "clock-skew"),
        ("000001.SZ", "09:59:59.0", "out-of-order"),
        ("000001.SZ", "09:59:58.999", "clock-skew"),
    ],
)
def test_a_time_may_be_behind_others_but_not_behind_its_symbol(symbol: str, time: str, reason: str | None) -> None:
    core = live()
    work = feed(core, entry("10:00:05.0"))
    feed(core, entry("10:00:05.0", 1, symbol=symbol, time=f"2026-11-25 {time}", last=9.99), work)
    assert reasons(work) == ({} if reason is None else {reason: 1})
    assert conserved(work)


def test_a_refused_tick_does_not_move_the_clock() -> None:
    core = live()
    work = feed(core, entry("10:00:00"))
    for number, fields in enumerate(
        ({"last": -1}, {"volume": -1}, {"symbol": "nonsense"}, {"time": "2099-01-01 10:00:00"})
    ):
        feed(core, entry("10:00:00", 1 + number, **{"time": "2026-11-25 10:00:02", **fields}), work)
    feed(core, entry("10:00:00.5"), work)
    assert times(work) == [moment("10:00:00"), moment("10:00:00.5")]
    assert reasons(work) == {"bad-price": 1, "bad-quantity": 1, "unknown-symbol": 1, "clock-skew": 1}


def test_a_document_that_was_sent_twice_counts_once() -> None:
    core, work = live(), Work()
    one, two = document(last=10.0), document(last=10.1)
    for number, text in enumerate((one, two, one, two, one)):
        feed(core, entry("10:00:00", number, text), work)
    assert work.counts["accepted"] == 2
    assert reasons(work) == {"exact-duplicate": 3}


def test_the_clock_goes_on_while_nothing_arrives() -> None:
    core = live()
    work = feed(core, entry("10:00:00.5"))
    core.advance(moment("10:00:03.9"), work)
    assert [clock.time for clock in read(work).clocks] == [moment(f"10:00:0{second}") for second in range(4)]
    core.advance(moment("10:00:02"), work)
    assert len(read(work).clocks) == 4


def test_the_clock_goes_on_while_only_junk_arrives() -> None:
    core = live()
    work = feed(core, entry("10:00:00"))
    feed(core, entry("10:00:10", 0, b"junk"), work)
    assert read(work).clocks[-1].time == moment("10:00:07")


def test_the_session_ends_at_its_close_and_is_not_opened_again() -> None:
    core = live()
    work = feed(core, entry("15:29:59"))
    core.advance(moment("15:30:00"), work)
    assert (read(work).clocks[-1].time, read(work).clocks[-1].end) == (moment("15:30:00"), True)
    feed(core, entry("15:30:03", time="2026-11-25 15:29:59.5"), work)
    feed(core, entry("15:30:04", symbol="000001.SZ"), work)
    assert reasons(work) == {"after-close": 2}
    assert work.counts["accepted"] == 1


def test_the_next_session_numbers_from_one() -> None:
    core = live()
    work = feed(core, entry("15:29:00"))
    core.advance(moment("15:31:00"), work)
    arrived = moment("09:30:00", "2026-11-26")
    feed(core, [(b"%d-0" % (arrived // 10**6), {b"d": document(time=time_text(arrived))})], work)
    log = read(work)
    assert log.ticks["n"].tolist() == [1, 1]
    assert [frame.session for frame in log.frames] == [SESSION, 20261126]
    assert [clock.end for clock in log.clocks].count(True) == 1


def test_a_day_without_trading_is_refused() -> None:
    work = feed(live(is_session=lambda _: False), entry())
    assert reasons(work) == {"not-a-session": 1}
    assert entries(work) == []


def test_believed_ticks_may_come_at_any_hour_and_the_clock_waits_for_them() -> None:
    core = live(by_wall=False)
    night = [entry("23:00:00", number, time=f"2026-11-25 10:00:0{number}")[0] for number in range(3)]
    work = feed(core, night)
    assert times(work) == [moment(f"10:00:0{second}") for second in range(3)]
    feed(core, entry("23:00:00", 3, time="2026-11-25 13:00:00"), work)
    feed(core, entry("23:00:00", 4, symbol="000001.SZ", time="2026-11-25 12:00:00"), work)
    assert read(work).clocks[-1].time == moment("13:00:00")
    assert reasons(work) == {"out-of-order": 1}


def test_a_refusal_says_what_is_allowed_and_keeps_the_row() -> None:
    core = live()
    feed(core, entry("10:00:05"))
    work = feed(core, entry("10:00:05", 1, time="2026-11-25 10:01:00"))
    (letter,) = dead_letters(work)
    assert letter.reason == "clock-skew"
    assert "at most 3 s ahead of its arrival and 6 s behind it, and it is 55.000 s ahead" in letter.detail


def test_entries_that_were_dropped_unread_are_counted_and_declared() -> None:
    core = live()
    work = feed(core, entry("10:00:00"))
    core.lose(7, work)
    assert reasons(work) == {"overflow": 7}
    assert conserved(work)
    assert core.position == 8
    gap = entries(work)[-1]
    assert gap.kind is Kind.GAP
    assert gap.seq == core.seq
    assert codec.decode(gap.payload, Gap).session == SESSION


def taken(core: LiveCore, *clocks: str) -> Work:
    work = Work()
    for number, (clock, symbol) in enumerate(itertools.product(clocks, ("600000.SH", "000001.SZ"))):
        feed(core, entry(clock, number, symbol=symbol, volume=100 * (number + 1)), work)
    return work


def continued(core: LiveCore) -> list[Any]:
    work = taken(core, "10:00:05", "10:00:06")
    core.advance(moment("10:00:09"), work)
    return [(write.seq, write.payload) for write in work.writes]


@pytest.mark.parametrize("at", [1, 2])
def test_a_restored_core_goes_on_alike(at: int) -> None:
    core, again = live(levels=5), live(levels=5)
    taken(core, *["10:00:00", "10:00:04"][:at])
    again.load(core.save())
    assert again.save() == core.save()
    assert continued(again) == continued(core)


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ContractError, match="live state"):
        live().load(b"\x97\x02\xc4\x00\x92\x00\x00\x00\x00\x00\x90")
    with pytest.raises(ContractError, match="live state"):
        live().load(b"junk")


def test_a_core_that_lost_its_memory_gives_no_number_twice() -> None:
    core = live()
    before = taken(core, "10:00:00", "10:00:01")
    again = live()
    again.resume(core.place)
    again.skip(core.position, core.entry)
    after = taken(again, "10:00:02")
    used = {*zip(read(before).symbols, read(before).ticks["n"].tolist(), strict=True)}
    given = {*zip(read(after).symbols, read(after).ticks["n"].tolist(), strict=True)}
    assert not used & given
    assert [write.seq for write in entries(after)] == [core.seq + 1 + place for place in range(len(entries(after)))]
    assert (again.position, again.place.session) == (6, SESSION)


def test_a_new_log_begins_at_its_first_entry() -> None:
    core = live()
    core.resume(Place())
    assert core.place == Place()
    assert entries(feed(core, entry()))[0].seq == 1


@pytest.mark.parametrize(("options", "by_wall", "levels"), [({}, True, 1), ({"clock": "ticks", "levels": 5}, False, 5)])
def test_the_settings_choose_the_live_feed(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], by_wall: bool, levels: int
) -> None:
    monkeypatch.setenv("DFP_FEED", "raw_ticks")
    monkeypatch.setenv("DFP_FEED_OPTIONS", json.dumps(options))
    writer = writer_of(Service("collector", CollectorSettings(), NAMES), Calendar.shanghai())
    assert isinstance(writer, LiveRunner)
    assert (writer.core.by_wall, writer.core.levels) == (by_wall, levels)
