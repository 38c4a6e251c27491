"""The feature stage's core: what goes in comes out under its number, and what cannot be read becomes a declared gap."""

import pytest

from dfp.contracts import codec
from dfp.contracts.clock import Clock, Gap
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import decode_ticks, encode
from dfp.contracts.names import Names
from dfp.features.core import FeatureCore
from dfp.log.work import Work
from tick_frames import walk

NAMES = Names("test")


def core() -> FeatureCore:
    return FeatureCore(NAMES, ["vwap", "mean_5", "ema_5"])


def processed(*entries: Entry, by: FeatureCore | None = None) -> Work:
    work = Work()
    (by or core()).process(NAMES.clean_ticks, entries, work)
    return work


def test_ticks_come_out_with_their_columns_and_features_under_the_same_number() -> None:
    ticks = walk(1, 30)
    work = processed(Entry(7, Kind.TICKS, encode(ticks), Meta({"ingest": 5})))
    (write,) = work.writes
    assert (write.stream, write.kind, write.seq, write.meta.hops) == (NAMES.features, Kind.FEATURES, 7, {"ingest": 5})
    frame = decode_ticks(write.payload)
    assert list(frame.columns)[-3:] == ["ema_5", "mean_5", "vwap"]
    for name, column in ticks.columns.items():
        assert frame[name].tobytes() == column.tobytes()
    assert work.counts == {"ticks": 30}


def test_clock_entries_and_gaps_pass_through_unchanged() -> None:
    clock = codec.encode(Clock(time=1, session=20220601, phase=4))
    gap = codec.encode(Gap(session=20220601, time=2, reason="x"))
    work = processed(Entry(1, Kind.CLOCK, clock), Entry(2, Kind.GAP, gap))
    assert [(write.seq, write.kind, write.payload) for write in work.writes] == [
        (1, Kind.CLOCK, clock),
        (2, Kind.GAP, gap),
    ]


@pytest.mark.parametrize("entry", [Entry(3, Kind.TICKS, b"garbage"), Entry(3, Kind.SIGNAL, b"{}")])
def test_what_cannot_be_read_is_a_dead_letter_and_a_gap_under_its_number(entry: Entry) -> None:
    work = processed(entry)
    letter, gap = work.writes
    assert letter.stream == NAMES.dead_letters
    assert codec.decode(letter.payload, DeadLetter).reason == "bad-frame"
    assert (gap.stream, gap.kind, gap.seq) == (NAMES.features, Kind.GAP, 3)
    assert work.counts == {"rejected/bad-frame": 1}


def test_a_state_of_other_features_or_of_another_version_is_refused() -> None:
    other = FeatureCore(NAMES, ["vwap"])
    processed(Entry(1, Kind.TICKS, encode(walk(1, 30))), by=other)
    for state in (other.save(), b"garbage", b"\x96\x01\x90\xc4\x00\xc4\x00\xc4\x00\xc4\x00"):
        with pytest.raises(ContractError, match="feature state"):
            core().load(state)


def test_a_state_with_missing_values_is_refused() -> None:
    import msgspec

    full = core()
    processed(Entry(1, Kind.TICKS, encode(walk(1, 30))), by=full)
    parts = msgspec.msgpack.decode(full.save())
    parts[3] = parts[3][:-8]
    with pytest.raises(ContractError, match="values"):
        core().load(msgspec.msgpack.encode(parts))


def test_warming_up_leaves_no_trace() -> None:
    warmed = core()
    warmed.warm_up()
    assert warmed.save() == core().save()


def test_an_empty_state_means_a_fresh_start() -> None:
    used = core()
    processed(Entry(1, Kind.TICKS, encode(walk(1, 30))), by=used)
    used.load(b"")
    assert used.save() == core().save()
