"""Memory of every service with the whole market: 5,551 synthetic names in waves, all 400-tick windows full.

Windows are filled by the pre-roll (a window of 400 ticks is 20 minutes of 3-second snapshots), then the market runs in
waves for five minutes; what counts is each service's resident memory at the end.
"""

import contextlib
import os
import time

import psutil

from benchmarks.pipeline import Pipeline, running
from benchmarks.result import Goal, Result, progress

SYMBOLS = 5_551
MINUTES = 1.0 if os.environ.get("QUICK") else 5.0


def run() -> Result:
    """Measure."""
    with running("--symbols", str(SYMBOLS)) as pipeline:
        deadline = time.monotonic() + MINUTES * 60
        peak: dict[str, float] = {}
        while time.monotonic() < deadline:
            for name, megabytes in _resident(pipeline).items():
                peak[name] = max(peak.get(name, 0.0), megabytes)
            progress(f"memory: {deadline - time.monotonic():4.0f} s left")
            time.sleep(1)
        last = _resident(pipeline)
    figures = {f"{name}_mb": value for name, value in sorted(last.items())}
    figures["largest_service_mb"] = max(value for name, value in last.items() if name != "valkey")
    figures["largest_peak_mb"] = max(value for name, value in peak.items() if name != "valkey")
    found = pipeline.report()
    load = {"symbols": SYMBOLS, "minutes": MINUTES, "ticks": found["rows"]["accepted"], "signals": found["signals"]}
    return Result("memory", figures, {"largest_service_mb": Goal("<=", 300)}, load)


def _resident(pipeline: Pipeline) -> dict[str, float]:
    """Service -> resident megabytes, now."""
    found: dict[str, float] = {}
    for name, process in pipeline.processes().items():
        with contextlib.suppress(psutil.NoSuchProcess):
            found[name] = process.memory_info().rss / 2**20
    return found
