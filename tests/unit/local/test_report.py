from dfp.contracts import digest
from dfp.local.latency import Latencies
from dfp.local.ledger import Ledger
from dfp.local.report import compose, in_short, mismatches, rows

COUNTS = {
    "read": 12,
    "accepted": 10,
    "rejected/unknown-symbol": 1,
    "rejected/exact-duplicate": 1,
    "flagged/CROSSED": 3,
    "phase/MORNING": 10,
    "finished": 1,
}


def test_rows_are_the_collectors_counters() -> None:
    assert rows(COUNTS) == {
        "read": 12,
        "accepted": 10,
        "rejected": {"exact-duplicate": 1, "unknown-symbol": 1},
        "phases": {"MORNING": 10},
    }


def test_a_collector_that_has_counted_nothing_has_read_nothing() -> None:
    assert rows({}) == {"read": 0, "accepted": 0, "rejected": {}, "phases": {}}


def test_the_report_has_the_keys_that_its_readers_rely_on() -> None:
    report = compose(
        COUNTS, {"dfp:clean_ticks": 7}, Ledger(), Latencies(paced=False), ("breakout",), {"features": 2}, "v1"
    )
    assert list(report) == [
        "rows",
        "streams",
        "latency_ms",
        "signals",
        "opportunities",
        "outcomes",
        "risk",
        "alerts",
        "dead_letters",
        "restarts",
        "signal_sha256",
    ]
    assert report["streams"] == {"dfp:clean_ticks": 7}
    assert report["restarts"] == {"features": 2}
    assert report["risk"] == {"policies": "v1", "held": {}}


def test_a_strategy_without_a_signal_is_reported_with_none_and_the_digest_of_nothing() -> None:
    report = compose({}, {}, Ledger(), Latencies(paced=False), ("breakout",), {}, "")
    assert report["signals"] == {"breakout": 0}
    assert report["signal_sha256"] == {"breakout/0": "00" * 32}


def test_a_stream_that_holds_what_the_engine_committed_is_no_mismatch() -> None:
    ledger = Ledger()
    ledger.digests["breakout"] = digest.roll(digest.EMPTY, (b"signal",))
    report = compose({}, {}, ledger, Latencies(paced=False), ("breakout", "idle"), {}, "")
    assert mismatches(report, {"breakout": ledger.digests["breakout"], "idle": digest.EMPTY}) == []


def test_a_lost_or_doubled_signal_is_named_with_its_strategy() -> None:
    report = compose({}, {}, Ledger(), Latencies(paced=False), ("breakout",), {}, "")
    (problem,) = mismatches(report, {"breakout": digest.roll(digest.EMPTY, (b"signal",))})
    assert problem.startswith("signal_sha256 of breakout: the stream gives 0000000000000000…, its engine committed ")


def test_the_report_in_short_is_one_line() -> None:
    latencies = Latencies(paced=False)
    report = compose({"read": 20981, "accepted": 20980}, {}, Ledger(), latencies, (), {}, "")
    assert in_short(report) == "20,980 of 20,981 rows accepted, 0 signals, 0 opportunities, no opportunity measured"
    latencies.record({"ingest": 0, "receive": 5_000_000})
    report = compose({}, {}, Ledger(), latencies, (), {}, "")
    assert in_short(report).endswith("p99 5.0 ms end to end")
