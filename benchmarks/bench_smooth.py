"""Latency when 10,000 ticks a second arrive evenly, those of 5,551 names one after the other."""

from functools import partial

from benchmarks import latency, ticks
from benchmarks.latency import SECONDS, Load
from benchmarks.result import Goal, Result

SYMBOLS, PER_SECOND = 5_551, 10_000


def run() -> Result:
    """Measure."""
    schedule = partial(ticks.smooth, seconds=SECONDS, symbols=SYMBOLS, per_second=PER_SECOND)
    goals = {"p99_ms": Goal("<=", 10), "p999_ms": Goal("<=", 25)}
    return latency.measure("smooth", Load(SYMBOLS, PER_SECOND * 60, schedule), goals)
