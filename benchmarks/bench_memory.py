"""Memory of every service with the whole market: 5,551 synthetic names in waves, all 400-tick windows full.

Windows are filled by the pre-roll (a window of 400 ticks is 20 minutes of 3-second snapshots), then the market runs in
waves for five minutes; what counts is each service's resident memory at the end.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.result import Goal, Result, progress

SYMBOLS = 5_551
MINUTES = 1.0 if os.environ.get("QUICK") else 5.0


def run() -> Result:
    """Measure."""
    folder = Path(tempfile.mkdtemp(prefix="dfp-bench-"))
    report = folder / "report.json"
    command = [sys.executable, "-m", "dfp.cli", "up", "--symbols", str(SYMBOLS), "--report", str(report)]
    with (folder / "out").open("w") as out:
        up = subprocess.Popen([*command, "--data-dir", str(folder / "data")], stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_until_caught_up(up, folder / "out")
        deadline = time.monotonic() + MINUTES * 60
        peak: dict[str, float] = {}
        while time.monotonic() < deadline:
            for name, megabytes in _resident(up.pid).items():
                peak[name] = max(peak.get(name, 0.0), megabytes)
            progress(f"memory: {deadline - time.monotonic():4.0f} s left")
            time.sleep(1)
        last = _resident(up.pid)
    finally:
        up.terminate()
        up.wait(60)
    found = json.loads(report.read_bytes())
    figures = {f"{name}_mb": value for name, value in sorted(last.items())}
    figures["largest_service_mb"] = max(value for name, value in last.items() if name != "valkey")
    figures["largest_peak_mb"] = max(value for name, value in peak.items() if name != "valkey")
    figures["end_to_end_p99_ms"] = found["latency_ms"]["end_to_end"]["p99"]
    load = {"symbols": SYMBOLS, "minutes": MINUTES, "ticks": found["rows"]["accepted"], "signals": found["signals"]}
    return Result("memory", figures, {"largest_service_mb": Goal("<=", 300)}, load)


def _resident(pid: int) -> dict[str, float]:
    """Service -> resident megabytes, now."""
    found: dict[str, float] = {}
    for child in psutil.Process(pid).children():
        try:
            name = child.environ().get("DFP_INSTANCE") or "valkey"
            found[name] = child.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            continue
    return found


def _wait_until_caught_up(up: subprocess.Popen[bytes], out: Path) -> None:
    """Until the pipeline is open; the pre-roll fills the windows within the first minute after that."""
    deadline = time.monotonic() + 300
    while "open http" not in out.read_text():
        if up.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"bench: dfp up did not start:\n{out.read_text()}")
        time.sleep(0.5)
