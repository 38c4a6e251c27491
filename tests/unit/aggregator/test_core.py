"""The core around the episodes: late, bad and repeated input, counters, metadata, state that rides in commits."""

import msgspec
import pytest

from dfp.aggregator.core import INPUT_FIELD, AggregatorCore
from dfp.aggregator.publisher import CONDITIONS_FIELD
from dfp.contracts import codec
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import CloseReason, State
from dfp.log.work import Work
from opinions import NAMES, OPEN, SECOND, SESSION, Aggregator, Down, Flat, Up, clock, published, signal

TOMORROW = 20220602
DAY = 24 * 3600.0


@pytest.fixture
def aggregator() -> Aggregator:
    return Aggregator()


def test_a_revision_goes_to_the_stream_and_its_channel_with_the_triggers_hops_and_both_cursors(
    aggregator: Aggregator,
) -> None:
    aggregator.take(clock(0), clock(1), signal(at=1))
    (write,) = aggregator.work.writes
    assert (write.stream, write.kind, write.channel) == (
        NAMES.opportunities,
        Kind.OPPORTUNITY,
        NAMES.opportunities_channel,
    )
    assert write.seq is None
    assert write.meta == Meta(hops={"ingest": 1}, cursor={NAMES.signals: 1, NAMES.features: 2})


def test_what_was_published_is_counted(aggregator: Aggregator) -> None:
    aggregator.take(signal(), signal(confidence=0.9, at=2), signal(direction=Flat, at=3))
    assert aggregator.work.counts == {"signals": 3, "opportunities": 1, "revisions": 3, "closed/Invalidated": 1}


def test_a_signal_that_has_expired_before_it_is_read_is_counted_and_not_used(aggregator: Aggregator) -> None:
    assert aggregator.take(clock(10), signal(at=0, horizon=10)) == []
    assert aggregator.work.counts == {"late": 1}
    assert set(aggregator.fields) == {CONDITIONS_FIELD, INPUT_FIELD}


def test_a_signal_made_after_the_close_has_no_time_left_and_is_late(aggregator: Aggregator) -> None:
    assert aggregator.take(msgspec.structs.replace(signal(), expires=OPEN)) == []
    assert aggregator.work.counts == {"late": 1}


def test_a_late_signal_still_replaces_the_strategys_older_view(aggregator: Aggregator) -> None:
    aggregator.take(signal(direction=Up, horizon=600))
    aggregator.take(clock(10))
    (closed,) = aggregator.take(signal(direction=Down, at=2, horizon=5))
    assert (closed.closed, closed.side) == (CloseReason.INVALIDATED, Up)
    assert aggregator.work.counts["late"] == 1


def test_a_signal_of_a_session_that_has_ended_is_late(aggregator: Aggregator) -> None:
    assert aggregator.take(clock(5, end=True), signal(at=4)) == []
    assert aggregator.work.counts == {"late": 1}


def test_a_session_that_goes_on_after_an_end_takes_signals_again(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(clock(5, end=True), clock(6), signal(at=6))
    assert opened.rev == 1


def test_the_first_clock_entry_of_the_next_session_ends_the_last_one(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(horizon=2 * DAY))
    (closed,) = aggregator.take(clock(DAY, session=TOMORROW))
    assert closed.closed is CloseReason.SESSION_END


def test_a_signal_of_the_next_session_ends_its_symbols_last_one_before_the_clock_does(aggregator: Aggregator) -> None:
    aggregator.take(signal(horizon=2 * DAY))
    closed, opened = aggregator.take(signal(at=DAY, session=TOMORROW))
    assert (closed.closed, closed.session) == (CloseReason.SESSION_END, SESSION)
    assert (opened.session, opened.rev) == (TOMORROW, 1)
    assert aggregator.take(clock(30, end=True)) == []
    assert aggregator.take(signal("slow", at=20)) == []
    assert aggregator.work.counts["late"] == 1


def test_a_signal_that_its_strategy_has_overtaken_is_not_used(aggregator: Aggregator) -> None:
    aggregator.take(signal(at=5))
    assert aggregator.take(signal(direction=Flat, at=4)) == []
    assert aggregator.work.counts["superseded"] == 1


def test_a_slower_engines_signal_is_evaluated_at_the_as_of_of_the_newest_view(aggregator: Aggregator) -> None:
    aggregator.take(signal("fast", at=5, confidence=0.5))
    (opened,) = aggregator.take(signal("slow", at=3, confidence=0.5))
    assert opened.as_of == OPEN + 5 * SECOND


def test_signals_ahead_of_the_clock_expire_what_is_over_at_their_as_of(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", horizon=10, confidence=0.7))
    closed, opened = aggregator.take(signal("b", Down, 0.7, at=11))
    assert closed.closed is CloseReason.EXPIRED
    assert opened.side is Down


def test_frames_of_features_are_passed_over_without_being_read(aggregator: Aggregator) -> None:
    assert aggregator.feed([aggregator.entry(b"not even a frame", Kind.FEATURES)]) == []
    assert aggregator.work.counts == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": "600000.sh"}, "symbol"),
        ({"symbol": INPUT_FIELD}, "symbol"),
        ({"symbol": "602009.SH"}, "symbol"),
        ({"horizon_ns": 0}, "horizon_ns"),
        ({"expires": OPEN - 1}, "expires"),
        ({"as_of": -1}, "expires"),
        ({"expires": 10**40}, "Signal"),
    ],
)
def test_a_signal_that_cannot_be_is_dead_lettered_by_name_and_the_rest_goes_on(
    aggregator: Aggregator, changes: dict[str, object], field: str
) -> None:
    bad = msgspec.structs.replace(signal(), **changes)
    (opened,) = aggregator.take(bad, signal())
    assert opened.rev == 1
    assert aggregator.work.counts["rejected/bad-signal"] == 1
    letter = codec.decode(aggregator.work.writes[0].payload, DeadLetter)
    assert aggregator.work.writes[0].stream == NAMES.dead_letters
    assert (letter.stage, letter.reason) == ("aggregator", "bad-signal")
    assert field in letter.detail


@pytest.mark.parametrize("kind", [Kind.SIGNAL, Kind.TICKS])
def test_bytes_that_are_no_signal_are_dead_lettered(aggregator: Aggregator, kind: Kind) -> None:
    aggregator.feed([aggregator.entry(b"\xff{", kind)])
    assert aggregator.work.counts == {f"rejected/bad-{kind}": 1}


@pytest.mark.parametrize("payload", [b"{}", codec.encode(clock(0)).replace(b'"time":', b'"time":' + b"9" * 30)])
def test_a_bad_clock_is_dead_lettered(aggregator: Aggregator, payload: bytes) -> None:
    aggregator.feed([aggregator.entry(payload, Kind.CLOCK)])
    assert aggregator.work.counts == {"rejected/bad-clock": 1}


def test_a_symbol_without_views_and_opportunity_leaves_the_state(aggregator: Aggregator) -> None:
    aggregator.take(signal(horizon=10))
    assert "600000.SH" in aggregator.fields
    aggregator.take(clock(10))
    assert "600000.SH" not in aggregator.fields


def test_a_core_that_loads_the_committed_state_goes_on_as_if_nothing_had_happened(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal(), signal("b", at=1))
    other = Aggregator()
    other.core.load_state(aggregator.fields)
    other.seqs = dict(aggregator.seqs)
    rest = (signal("b", Flat, at=2), clock(3), signal(direction=Flat, at=4))
    assert other.take(*rest) == aggregator.take(*rest)
    assert [write.meta for write in other.work.writes] == [write.meta for write in aggregator.work.writes][2:]


def test_saved_state_loads_and_empty_state_starts_afresh(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal())
    other = AggregatorCore(NAMES)
    other.load(aggregator.core.save())
    assert other.save() == aggregator.core.save()
    other.load(b"")
    assert other.save() == AggregatorCore(NAMES).save()


@pytest.mark.parametrize("state", [b"\xc1", msgspec.msgpack.encode({"600000.SH": b"{}"}), b"\x81"])
def test_state_of_another_version_is_refused(state: bytes) -> None:
    with pytest.raises(ContractError, match="aggregator state"):
        AggregatorCore(NAMES).load(state)


def test_an_empty_batch_leaves_nothing() -> None:
    work = Work()
    AggregatorCore(NAMES).process(NAMES.signals, [], work)
    assert work == Work()


def test_symbols_do_not_touch_each_other(aggregator: Aggregator) -> None:
    aggregator.take(signal(symbol="600000.SH"), signal(symbol="000001.SZ", direction=Down, at=1))
    assert [(found.symbol, found.side, found.state) for found in published(aggregator.work)] == [
        ("600000.SH", Up, State.TRACKING),
        ("000001.SZ", Down, State.TRACKING),
    ]


def test_what_one_clock_entry_closes_is_published_in_the_order_of_symbols(aggregator: Aggregator) -> None:
    names = [f"60{n:04}.SH" for n in (7, 3, 9, 1, 5, 8, 2)]
    aggregator.take(*(signal(symbol=name, at=n / 10, horizon=5) for n, name in enumerate(names)))
    assert [closed.symbol for closed in aggregator.take(clock(20))] == sorted(names)
