"""Latency when the market arrives in waves, as the exchange's snapshots do.

Each 3 s the ticks of 2,900 names are due at once, and those of 2,600 others are spread until the next wave.
"""

from functools import partial

from benchmarks import latency, ticks
from benchmarks.latency import SECONDS, Load
from benchmarks.result import Goal, Result

AT_ONCE, SPREAD = 2_900, 2_600


def run() -> Result:
    """Measure."""
    schedule = partial(ticks.wave, seconds=SECONDS, at_once=AT_ONCE, spread=SPREAD)
    symbols = AT_ONCE + SPREAD
    goals = {"p99_ms": Goal("<=", 40), "p999_ms": Goal("<=", 80)}
    return latency.measure("wave", Load(symbols, symbols * 20, schedule, ticks.WAVE_NS), goals)
