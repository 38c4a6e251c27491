"""A pipeline under measurement: `dfp up` as users start it, and what its processes and streams say."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from dfp.contracts.names import Names

NAMES = Names()
START_S = 300


@dataclass
class Pipeline:
    """A running `dfp up`.

    Attributes:
        url: of its Redis.
        folder: with `report.json` after the end.
    """

    up: subprocess.Popen[bytes]
    url: str
    folder: Path

    def report(self) -> dict[str, Any]:
        """The run's report; the run must be over."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_bytes())
        return found

    def processes(self) -> dict[str, psutil.Process]:
        """Service -> its process; `valkey` is the server."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.up.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                found[child.environ().get("DFP_INSTANCE") or "valkey"] = child
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """Service -> CPU time since its start."""
        found: dict[str, float] = {}
        for name, process in self.processes().items():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                found[name] = times.user + times.system
        return found

    def connect(self) -> "redis.Redis[bytes]":
        """A connection to its Redis."""
        return redis.Redis.from_url(self.url)

    def positions(self) -> dict[str, int]:
        """Stage -> last entry of the log that it has committed; `collector` is the log's own end."""
        found: dict[str, int] = {}
        with self.connect() as server:
            for stream in (NAMES.clean_ticks, NAMES.features):
                for group in server.xinfo_groups(stream):
                    found[group["name"].decode()] = _number(group["last-delivered-id"])
            found["collector"] = _number(server.xinfo_stream(NAMES.clean_ticks)["last-generated-id"])
        return found

    def accepted(self) -> int:
        """Ticks that the collector has taken so far."""
        with self.connect() as server:
            return int(server.hget(NAMES.counts("collector"), "accepted") or 0)


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Pipeline]:
    """`dfp up` with these arguments, from the moment its doors are open; it is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dfp-bench-"))
    out = folder / "out"
    command = [sys.executable, "-m", "dfp.cli", "up", "--report", str(folder / "report.json"), *arguments]
    with out.open("w") as file:
        up = subprocess.Popen([*command, "--data-dir", str(folder / "data")], stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_until_open(up, out)
        pipeline = Pipeline(up, "", folder)
        pipeline.url = pipeline.processes()["features"].environ()["DFP_REDIS_URL"]
        yield pipeline
    finally:
        up.terminate()
        up.wait(120)


def backlog(positions: Mapping[str, int]) -> int:
    """Entries between the log's end and the slowest stage."""
    return max(positions.values()) - min(positions.values())


def _number(identifier: bytes) -> int:
    return int(identifier.partition(b"-")[2])


def _wait_until_open(up: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + START_S
    while "open http" not in out.read_text():
        if up.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"bench: dfp up did not start:\n{out.read_text()}")
        time.sleep(0.5)
