"""Whatever a producer sends, it becomes a tick or is refused by name, and nothing else happens."""

from hypothesis import example, given
from hypothesis import strategies as st

from dfp.collector import raw_tick
from dfp.collector.raw_tick import FIELDS, MAX_BYTES, NotATick, RawTick, decode
from dfp.log.work import Work
from mutations import attempt, hostile, peak_memory
from raw_entries import Entries, document, feed, live
from raw_rows import conserved

VALID = [
    document(),
    document(time=1795572000000000000, volume=1e6, turnover=0, bid1=9.99, ask1=10.01, pre_close=9.9),
    document(**dict.fromkeys(FIELDS[2:], 12.5)),
    document(symbol="if2101.cf", time="2026-11-25T02:00:00.123456789Z", limit_up=11, limit_down=9),
]
REASONS = {
    *("too-large", "unparsable", "unknown-field", "missing-field", "wrong-type", "repeated-field", "bad-time"),
}


@given(hostile(VALID))
@example(b"[" * MAX_BYTES)
@example(b"1" * MAX_BYTES)
@example(document(last=None)[:-1] + b', "last": 1' + b"0" * 400 + b"}")
def test_any_bytes_are_a_tick_or_refused(text: bytes) -> None:
    found, refusal = attempt(NotATick, decode, text)
    if refusal is not None:
        assert refusal.reason in REASONS
        assert 0 < len(str(refusal)) < 1_000
    else:
        assert found is not None
        assert isinstance(found[0], RawTick)
        assert isinstance(found[1], int)


@given(hostile(VALID))
@example(b'{"symbol": "600000.SH", "time": 1795572000000000000, "last": 1.0, "last": null}')
@example(b'{"symbol": "600000.SH", "time": 1795572000000000000, "last": 1.0, "bid1": null, "bid1": 2.0}')
@example(b'{"symbol": "600000\\"SH", "time": 1795572000000000000, "last": 1.0}')
@example(b'{"symbol": "600000.SH", "time": 1795572000000000000, "last": 1e400}')
@example(b'{"symbol": "600000.SH", "time": 1795572000000000000.0, "last": 1}')
def test_the_short_way_reads_what_the_careful_one_reads(text: bytes) -> None:
    short = raw_tick._plain(text)
    if short is not None:
        assert raw_tick._odd(text) == short


@given(hostile([document(symbol="6" * 3_000)]))
def test_memory_is_bounded_by_the_bytes(text: bytes) -> None:
    assert peak_memory(lambda: attempt(NotATick, decode, text)) < 2_000_000


entry_ids = st.builds(b"%d-%d".__mod__, st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
any_fields = st.dictionaries(st.sampled_from((b"d", b"e", b"\xff")) | st.binary(max_size=4), hostile(VALID), max_size=3)
one_document = st.builds(lambda text: {b"d": text}, hostile(VALID))
stream = st.lists(st.tuples(entry_ids, one_document | any_fields), min_size=1, max_size=8)


@given(stream, st.booleans(), st.sampled_from((1, 5)))
def test_any_entries_are_accounted_for(entries: Entries, wall: bool, levels: int) -> None:
    core, work = live(by_wall=wall, levels=levels), Work()
    feed(core, entries, work)
    feed(core, entries, work)
    assert work.counts["read"] == core.position == 2 * len(entries)
    assert conserved(work)
    again = live(by_wall=wall, levels=levels)
    again.load(core.save())
    assert again.save() == core.save()
