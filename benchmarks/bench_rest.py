"""REST: one opportunity of 540 bytes by its id, closed loop, on one connection and on 32.

The same client asks a bare ASGI application on the same uvicorn settings, in turns with the API, so that the ratio of
both says what the API itself costs, whatever else the machine does.
"""

import os
import socket
import sys

import redis as redis_client
import uvloop
from hdrh.histogram import HdrHistogram
from msgspec.structs import replace

from benchmarks.http_load import Load, load
from benchmarks.processes import PORTS, process, service, until
from benchmarks.redis_server import running
from benchmarks.result import Goal, Result, progress
from dfp.api.examples import OPPORTUNITY
from dfp.contracts import codec
from dfp.contracts.entry import NO_META, Kind, to_fields
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.local.ports import HEALTH

NAMES = Names("bench")
BODY_BYTES = 540
CONNECTIONS = 32
ROUNDS = 3 if os.environ.get("QUICK") else 10
SECONDS = 2.0 if os.environ.get("QUICK") else 5.0


def run() -> Result:
    """Measure."""
    (raw_port,) = PORTS.take_free(1, HEALTH)
    with running() as url, redis_client.Redis.from_url(url) as redis:
        fields = to_fields(Kind.OPPORTUNITY, codec.encode(opportunity()), NO_META)
        redis.execute_command("XADD", NAMES.opportunities, "0-*", *fields)
        raw = process(sys.executable, "-m", "benchmarks.raw_asgi", str(raw_port), str(BODY_BYTES))
        with service("api", url, NAMES.prefix) as api, raw:
            until(lambda: socket.create_connection(("127.0.0.1", raw_port)).close() is None)
            return uvloop.run(_measure(api.port, raw_port))


def opportunity() -> Opportunity:
    """An opportunity whose JSON has 540 bytes."""
    (member,) = OPPORTUNITY.members
    bare = replace(OPPORTUNITY, members=[replace(member, group="", reason="")])
    spare = BODY_BYTES - len(codec.encode(bare))
    return replace(OPPORTUNITY, members=[replace(member, group="", reason="x" * spare)])


async def _measure(api_port: int, raw_port: int) -> Result:
    path = f"/opportunities/{OPPORTUNITY.id}"
    for port in (api_port, raw_port):
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
