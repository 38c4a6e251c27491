"""The feature stage with everything on: real server, AOF everysec, fenced commits, snapshots, 5,551 symbols.

The goal is for the stage alone: one core for it, one for the server. A producer on the same two cores would share what
is measured, so the stage is paused while a round of input is written, and timed while it drains it; 60 s of input would
not fit into memory at once. The rounds' working time is added up to 60 s.
"""

import asyncio
import os
import statistics
import time

import numpy as np
from redis.asyncio import Redis

from benchmarks.redis_server import running
from benchmarks.result import Goal, Result, progress
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame, encode
from dfp.contracts.names import Names
from dfp.features.catalog import DEFAULT
from dfp.features.core import STAGE, FeatureCore
from dfp.log.connection import connect
from dfp.log.extent import last_seq
from dfp.market.phases import SECOND_NS, Phase, midnight_ns
from dfp.runtime import retention
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec

SYMBOLS, FRAME_ROWS = 5_551, 512
ROUND_FRAMES = 2_000
SESSION = 20220601
NAMES = Names("bench")
SECONDS = 10.0 if os.environ.get("QUICK") else 60.0


def run() -> Result:
    """Measure."""
    # Rewritten between the rounds instead, as in operation at lunch and after the close.
    with running("--auto-aof-rewrite-percentage", "0") as url:
        return asyncio.run(_measure(url))


async def _measure(url: str) -> Result:
    redis = connect(url, socket_timeout=60)
    core = FeatureCore(NAMES, DEFAULT)
    core.warm_up()
    spec = StageSpec(STAGE, (NAMES.clean_ticks,), "feature", {NAMES.features: retention.Retention(2**28, False)})
    stop = asyncio.Event()
    stage = Stage(spec, core, connect(url), NAMES, "bench", Health())
    working = asyncio.create_task(stage.run(stop))
    market = _Market()
    rates: list[float] = []
    worked = busy = 0.0
    ticks = 0
    while worked < SECONDS:
        progress(f"features: {worked:3.0f} of {SECONDS:.0f} s measured")
        target = await market.write_round(redis, url)
        cpu, began = time.process_time(), time.perf_counter()
        while await last_seq(redis, NAMES.features) < target:
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        worked += seconds
        busy += time.process_time() - cpu
        ticks += ROUND_FRAMES * FRAME_ROWS
        rates.append(ROUND_FRAMES * FRAME_ROWS / seconds)
        await redis.xtrim(NAMES.clean_ticks, minid=f"0-{target}", approximate=False)
        await _rewrite_aof(redis)
    stop.set()
    await working
    await redis.aclose()
    figures = {
        "ticks_per_s_one_core": ticks / worked,
        "ticks_per_s_median_round": statistics.median(rates),
        "stage_cores": busy / worked,
        "state_mb": core.table.nbytes / 1e6,
        "seconds": worked,
    }
    load = {
        "symbols": SYMBOLS, "frame_rows": FRAME_ROWS, "features": len(DEFAULT), "tick_columns": len(TICK_COLUMNS),
        "aof": "everysec", "server": "valkey (embedded)",
    }  # fmt: skip
    return Result("features", figures, {"ticks_per_s_one_core": Goal(">=", 1_000_000)}, load)


async def _rewrite_aof(redis: Redis) -> None:
    await redis.bgrewriteaof()
    while True:
        state = await redis.info("persistence")
        if not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]):
            return
        await asyncio.sleep(0.05)


class _Market:
    """Random walks of the whole market; writes frames into the log as the collector does."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.last = self.random.integers(20_000, 900_000, SYMBOLS)
        self.seq = 0
        self.row = 0

    async def write_round(self, redis: Redis, url: str) -> int:
        """Append a round of frames; returns the last sequence number."""
        for _ in range(ROUND_FRAMES // 100):
            async with redis.pipeline(transaction=False) as pipeline:
                for _ in range(100):
                    self.seq += 1
                    fields = to_fields(Kind.TICKS, encode(self._frame()), Meta({"ingest": 1}))
                    pipeline.execute_command("XADD", NAMES.clean_ticks, f"0-{self.seq}", *fields)
                await pipeline.execute()
        return self.seq

    def _frame(self) -> Frame:
        row = np.arange(self.row, self.row + FRAME_ROWS)
        self.row += FRAME_ROWS
        chosen = row % SYMBOLS
        self.last[chosen] += self.random.integers(-2, 3, FRAME_ROWS) * 100
        last = np.maximum(self.last[chosen], 100)
        second = 34_200 + row // SYMBOLS * 3 % 7_200
        columns = {
            "symbol": (chosen + 1) * 7_919,
            "n": row // SYMBOLS + 1,
            "time": midnight_ns(SESSION) + second * SECOND_NS,
            "phase": Phase.CONTINUOUS,
            "flags": 0,
            "last": last,
            "volume": self.random.integers(0, 5_000, FRAME_ROWS),
            "turnover": last * 0.1,
            "bid1": last - 100,
            "ask1": last + 100,
            "bid1_volume": 1_000,
            "ask1_volume": 2_000,
            "pre_close": last,
            "limit_up": last + 10_000,
            "limit_down": last - 10_000,
        }
        return Frame(
            SESSION,
            {
                name: np.broadcast_to(np.asarray(columns[name], DTYPES[code]), FRAME_ROWS)
                for name, code in TICK_COLUMNS.items()
            },
        )
