"""The feature stage's core: what goes in comes out under its number, and what cannot be read becomes a declared gap."""

from collections.abc import Callable

import numpy as np
import pytest

from dfp.contracts import codec
from dfp.contracts.clock import Clock, Gap
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame, decode_ticks, encode
from dfp.contracts.names import Names
from dfp.features.core import FeatureCore
from dfp.log.work import Work
from tick_frames import SESSION, fit, walk

NAMES = Names("test")


def core(*features: str) -> FeatureCore:
    return FeatureCore(NAMES, features or ["vwap", "mean_5", "ema_5"])


def processed(*entries: Entry, by: FeatureCore | None = None) -> Work:
    work = Work()
    (by or core()).process(NAMES.clean_ticks, entries, work)
    return work


def ticks(seq: int, frame: Frame) -> Entry:
    return Entry(seq, Kind.TICKS, encode(frame))


def values(work: Work, column: str) -> list[float]:
    frames = [decode_ticks(write.payload) for write in work.writes if write.kind is Kind.FEATURES]
    return [value for frame in frames for value in frame[column].tolist()]


def test_ticks_come_out_with_their_columns_and_features_under_the_same_number() -> None:
    made = walk(1, 30)
    work = processed(Entry(1, Kind.TICKS, encode(made), Meta({"ingest": 5})))
    (write,) = work.writes
    assert (write.stream, write.kind, write.seq, write.meta.hops) == (NAMES.features, Kind.FEATURES, 1, {"ingest": 5})
    frame = decode_ticks(write.payload)
    assert list(frame.columns)[-3:] == ["ema_5", "mean_5", "vwap"]
    for name, column in made.columns.items():
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
    work = processed(Entry(1, Kind.CLOCK, b""), Entry(2, Kind.CLOCK, b""), entry)
    _, _, letter, gap = work.writes
    assert letter.stream == NAMES.dead_letters
    assert codec.decode(letter.payload, DeadLetter).reason == "bad-frame"
    assert (gap.stream, gap.kind, gap.seq) == (NAMES.features, Kind.GAP, 3)
    assert work.counts == {"rejected/bad-frame": 1, "gaps": 1}


@pytest.mark.parametrize(
    "state", [b"garbage", b"\x92\x01\x90", b"\x92\x01\x97\x01\x00\x01\xc4\x00\xc4\x00\xc4\x00\x80", b"\xff"]
)
def test_a_state_that_is_none_is_refused_and_changes_nothing(state: bytes) -> None:
    used = core()
    processed(ticks(1, walk(1, 30)), by=used)
    before = used.save()
    with pytest.raises(ContractError, match="feature state"):
        used.load(state)
    assert used.save() == before


def test_a_state_of_other_features_goes_on_with_what_they_share() -> None:
    undisturbed, other = core("ema_5"), core("ema_5", "vwap")
    processed(ticks(1, walk(1, 30)), by=undisturbed)
    other.load(undisturbed.save())
    expected = processed(ticks(2, walk(2, 30)), by=undisturbed)
    found = processed(ticks(2, walk(2, 30)), by=other)
    assert values(found, "ema_5") == pytest.approx(values(expected, "ema_5"), rel=0, abs=0, nan_ok=True)
    assert found.counts == {"ticks": 30}, "the number of the last entry is part of the state: there is no gap"


GAP = Entry(3, Kind.GAP, codec.encode(Gap(session=SESSION, time=0, reason="x")))


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param(lambda: [GAP], id="declared"),
        pytest.param(lambda: [Entry(3, Kind.TICKS, b"garbage")], id="unreadable"),
        pytest.param(lambda: [ticks(3, Frame(SESSION, {**fit(1).columns, "mean_2": np.zeros(1)}))], id="a name twice"),
        pytest.param(lambda: [ticks(3, Frame(0, fit(1).columns))], id="a session that is no day"),
        pytest.param(list, id="trimmed"),
    ],
)
def test_no_window_bridges_missing_entries(missing: Callable[[], list[Entry]]) -> None:
    working = core("mean_2", "session_turnover", "spread")
    tick = fit(1, bid1=99_900, ask1=100_100, turnover=1.0)
    work = processed(ticks(1, tick), ticks(2, tick), *missing(), ticks(4, tick), ticks(5, tick), by=working)
    nan = pytest.approx(np.nan, nan_ok=True)
    assert values(work, "mean_2") == [nan, 10.0, nan, 10.0]
    assert values(work, "session_turnover") == [1.0, 2.0, nan, nan], "some of the session's turnover is not known"
    assert values(work, "spread") == [pytest.approx(0.002)] * 4
    assert work.counts["gaps"] == 1


def test_ticks_beyond_what_there_can_be_are_counted() -> None:
    work = processed(ticks(1, fit(3, volume=np.array([1, -1, 1]), last=np.array([1, 1, 10**13]))))
    assert work.counts == {"ticks": 3, "beyond-range": 2}


def test_warming_up_leaves_no_trace() -> None:
    warmed = core()
    warmed.warm_up()
    assert warmed.save() == core().save()


def test_an_empty_state_means_a_fresh_start() -> None:
    used = core()
    processed(Entry(1, Kind.TICKS, encode(walk(1, 30))), by=used)
    used.load(b"")
    assert used.save() == core().save()
