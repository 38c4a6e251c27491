"""The documents that /openapi.json and docs/api.md show, put into a real log, and requests to a real API."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import numpy as np
from redis.asyncio import Redis

from dfp.api import examples
from dfp.contracts import codec
from dfp.contracts.codec import Document
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame, encode
from dfp.contracts.names import Names
from dfp.contracts.policy import bundle
from dfp.log import policies
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.work import Work
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from door_processes import Doors, doors

META = Meta(hops={"ingest": 1})


async def write(redis: Redis, stream: str, kind: Kind, *payloads: bytes | Document) -> None:
    """Append entries, numbered by the stream."""
    for payload in payloads:
        data = codec.encode(payload) if isinstance(payload, Document) else payload
        await redis.execute_command("XADD", stream, "0-*", *to_fields(kind, data, META))


def tick_frame() -> bytes:
    """A features frame with the tick of the examples."""
    tick = examples.TICK
    values: dict[str, float] = {
        "symbol": pack(examples.SYMBOL), "n": tick.n, "time": tick.time, "phase": int(Phase.CONTINUOUS), "flags": 0,
        "volume": tick.volume, "turnover": tick.turnover or 0, "bid1_volume": 300, "ask1_volume": 800,
    }  # fmt: skip
    for name in ("last", "bid1", "ask1", "pre_close", "limit_up", "limit_down"):
        values[name] = round((getattr(tick, name) or 0) * 10_000)
    columns = {name: np.array([values[name]], DTYPES[code]) for name, code in TICK_COLUMNS.items()}
    columns |= {name: np.array([value], DTYPES["f8"]) for name, value in examples.FEATURES.items()}
    return encode(Frame(tick.session, columns))


async def morning(redis: Redis, names: Names, strategies: tuple[str, ...] = (examples.STRATEGY,)) -> None:
    """Everything that the examples show, but halts; leases and freshness last for an hour."""
    await write(redis, names.opportunities, Kind.OPPORTUNITY, examples.OPPORTUNITY, examples.CLOSED)
    await write(redis, names.signals, Kind.SIGNAL, examples.SIGNAL)
    await write(redis, names.shadow_signals, Kind.SIGNAL, examples.SHADOW_SIGNAL)
    await write(redis, names.outcomes, Kind.OUTCOME, examples.OUTCOME)
    await write(redis, names.risk_verdicts, Kind.VERDICTS, examples.VERDICTS)
    await write(redis, names.risk_alerts, Kind.ALERT, examples.ALERT)
    await write(redis, names.features, Kind.FEATURES, tick_frame())
    await write(redis, names.features, Kind.CLOCK, examples.CLOCK)
    await policies.write(redis, names, bundle(examples.POLICIES.policies))
    for stage in ("aggregator", "risk-guard"):
        await policies.acknowledge(redis, names, stage, examples.POLICIES.version)
    await redis.set(names.risk_fresh_until, str(time.time_ns() // 1_000 + 3_600_000_000))
    await redis.set(names.owner, b'{"feed":"replay"}')
    aggregator = Chain(redis, names, "aggregator", "aggregator", (names.features,))
    await aggregator.claim()
    await redis.pexpire(names.lease("aggregator"), 3_600_000)
    for name in strategies:
        running = msgspec.structs.replace(examples.RUNNING, name=name)
        await redis.hset(names.strategies, name, codec.encode(running))
        engine = Chain(redis, names, f"engine/{name}", f"engine-{name}", (names.features,))
        await engine.claim()
        await redis.pexpire(names.lease(engine.stage), 3_600_000)
        work = Work()
        work.counts = {"ticks": 412, "signals": 1}
        await engine.commit(work, {names.features: 2})


def fill(redis_url: str, names: Names) -> None:
    """`morning`, for tests that are not coroutines."""

    async def write_all() -> None:
        redis = connect(redis_url)
        await morning(redis, names)
        await redis.aclose()

    asyncio.run(write_all())


@contextlib.asynccontextmanager
async def api_on(redis_url: str, folder: Path) -> AsyncIterator[tuple[Doors, httpx.AsyncClient]]:
    """A real API process that has caught up, and a client of it."""
    with doors(redis_url, folder) as door:
        await door.start("api")
        async with httpx.AsyncClient(base_url=door.api_url, timeout=30) as client:
            yield door, client
