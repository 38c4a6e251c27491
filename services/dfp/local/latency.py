"""Latencies of real opportunities, hop by hop, in HDR histograms."""

import itertools
from collections.abc import Mapping

from hdrh.histogram import HdrHistogram

LONGEST_US = 3_600_000_000
"""An hour: what is slower is recorded as an hour. Replays at full speed queue for minutes."""

ORDER = ("exchange", "ingest", "feature", "signal", "opportunity", "push", "receive")
"""Hops in the order in which a tick passes them."""


class Latencies:
    """End-to-end time (ingest to receipt) and the time of each hop since the hop before it.

    Args:
        paced: ticks come at their market's speed; then those that were not due at a time of the wall clock are left
            out, for they fill windows before the market starts, and would measure how fast that queue goes down.
    """

    def __init__(self, *, paced: bool) -> None:
        self.paced = paced
        self.end_to_end = _histogram()
        self.hops: dict[str, HdrHistogram] = {}

    def record(self, hops: Mapping[str, int]) -> None:
        """Take the hop times of one opportunity, wall clock in UTC nanoseconds; hops that it lacks are left out."""
        if self.paced and "exchange" not in hops:
            return
        passed = [(name, hops[name]) for name in ORDER if name in hops]
        for (_, before), (name, at) in itertools.pairwise(passed):
            _record(self.hops.setdefault(name, _histogram()), at - before)
        if "ingest" in hops and "receive" in hops:
            _record(self.end_to_end, hops["receive"] - hops["ingest"])

    def summary(self) -> dict[str, object]:
        """Milliseconds, as the report has them; None where nothing was recorded."""
        return {"end_to_end": figures(self.end_to_end), "hops": {name: figures(self.hops[name]) for name in self.hops}}


def figures(histogram: HdrHistogram) -> dict[str, float | None]:
    """p50, p99, p999 and max in milliseconds."""
    if histogram.get_total_count() == 0:
        return dict.fromkeys(("p50", "p99", "p999", "max"))
    quantiles = {"p50": 50.0, "p99": 99.0, "p999": 99.9, "max": 100.0}
    return {name: histogram.get_value_at_percentile(percent) / 1000 for name, percent in quantiles.items()}


def _histogram() -> HdrHistogram:
    return HdrHistogram(1, LONGEST_US, 3)


def _record(histogram: HdrHistogram, nanoseconds: int) -> None:
    histogram.record_value(min(max(nanoseconds // 1000, 1), LONGEST_US))
