import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.local.latency import LONGEST_US, Latencies, figures

MS = 1_000_000


def test_each_hop_is_measured_from_the_hop_before_it() -> None:
    latencies = Latencies(paced=False)
    latencies.record({"ingest": 0, "feature": 1 * MS, "signal": 3 * MS, "opportunity": 6 * MS, "receive": 16 * MS})
    summary = latencies.summary()
    hops = summary["hops"]
    assert {name: hops[name]["p50"] for name in hops} == pytest.approx(
        {"feature": 1.0, "signal": 2.0, "opportunity": 3.0, "receive": 10.0}, rel=1e-3
    )
    assert summary["end_to_end"]["max"] == pytest.approx(16.0, rel=1e-3)


def test_an_opportunity_without_an_ingest_time_counts_for_its_hops_only() -> None:
    latencies = Latencies(paced=False)
    latencies.record({"signal": 1 * MS, "opportunity": 2 * MS})
    assert latencies.summary()["end_to_end"] == {"p50": None, "p99": None, "p999": None, "max": None}
    assert list(latencies.hops) == ["opportunity"]


def test_hops_of_any_order_and_unknown_ones_make_no_difference() -> None:
    latencies = Latencies(paced=False)
    latencies.record({"unknown": 0, "feature": 2 * MS, "ingest": 1 * MS})
    assert list(latencies.hops) == ["feature"]


def test_on_a_paced_market_only_ticks_that_were_due_at_a_wall_clock_time_are_measured() -> None:
    latencies = Latencies(paced=True)
    latencies.record({"ingest": 0, "feature": 900 * MS, "receive": 1000 * MS})
    assert latencies.end_to_end.get_total_count() == 0
    latencies.record({"exchange": 0, "ingest": 1 * MS, "feature": 2 * MS, "receive": 4 * MS})
    assert list(latencies.hops) == ["ingest", "feature", "receive"]
    assert figures(latencies.end_to_end)["max"] == pytest.approx(3.0, rel=1e-3)


def test_clocks_that_went_back_and_hours_of_queueing_stay_within_the_histogram() -> None:
    latencies = Latencies(paced=False)
    latencies.record({"ingest": 5 * MS, "receive": 0})
    latencies.record({"ingest": 0, "receive": 100_000_000 * MS})
    assert figures(latencies.end_to_end)["max"] == pytest.approx(LONGEST_US / 1000, rel=1e-3)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=200))
def test_percentiles_rise_and_the_largest_is_right_to_three_digits(milliseconds: list[int]) -> None:
    latencies = Latencies(paced=False)
    for value in milliseconds:
        latencies.record({"ingest": 0, "receive": value * MS})
    found = figures(latencies.end_to_end)
    assert found["p50"] <= found["p99"] <= found["p999"] <= found["max"]
    assert found["max"] == pytest.approx(max(milliseconds), rel=2e-3)


def test_the_summary_is_json() -> None:
    assert json.loads(json.dumps(Latencies(paced=False).summary()))["hops"] == {}
