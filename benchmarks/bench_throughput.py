"""How many ticks a second the whole path takes: collector to aggregator, with the shipped strategies and house policy.

The synthetic whole market runs as fast as the pipeline lets it: the collector waits for the slowest reader, so the rate
is what the slowest stage sustains, and a backlog that grew would show that the figure is not sustained.
"""

import os
import statistics
import time
from pathlib import Path

from benchmarks.pipeline import backlog, running
from benchmarks.result import Goal, Result, progress

SYMBOLS = 5_551
SECONDS = 20 if os.environ.get("QUICK") else 120
SETTLE_S = 15
"""Pre-roll, and filling of the windows."""

EXAMPLES = Path(__file__).parent.parent / "examples"


def run() -> Result:
    """Measure."""
    arguments = ("-f", str(EXAMPLES), "--symbols", str(SYMBOLS), "--speed", "max")
    with running(*arguments) as pipeline:
        _wait(SETTLE_S, "throughput: settling")
        began, cpu = time.monotonic(), pipeline.cpu_seconds()
        first = pipeline.positions()
        accepted = pipeline.accepted()
        backlogs: list[int] = []
        while (left := began + SECONDS - time.monotonic()) > 0:
            backlogs.append(backlog(pipeline.positions()))
            progress(f"throughput: {left:4.0f} s left, {backlogs[-1]} entries of backlog")
            time.sleep(min(left, 1.0))
        last, ticks = pipeline.positions(), pipeline.accepted() - accepted
        elapsed = time.monotonic() - began
        used = {name: value - cpu.get(name, value) for name, value in pipeline.cpu_seconds().items()}
    entries = last["collector"] - first["collector"]
    slowest = min(last[stage] - first[stage] for stage in first)
    third = len(backlogs) // 3
    growth = statistics.median(backlogs[-third:]) - statistics.median(backlogs[:third])
    figures = {
        "ticks_per_s_full_path": ticks / entries * slowest / elapsed,
        "backlog_growth_entries": growth,
        "backlog_max_entries": float(max(backlogs)),
        **{f"cores_{name}": value / elapsed for name, value in sorted(used.items())},
    }
    report = pipeline.report()
    load = {
        "symbols": SYMBOLS,
        "seconds": round(elapsed),
        "ticks": ticks,
        "signals": report["signals"],
        "opportunities": report["opportunities"],
    }
    goals = {"ticks_per_s_full_path": Goal(">=", 50_000), "backlog_growth_entries": Goal("<=", 256)}
    return Result("throughput", figures, goals, load)


def _wait(seconds: float, text: str) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        progress(f"{text}, {left:3.0f} s left")
        time.sleep(min(left, 1.0))
