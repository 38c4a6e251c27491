"""An aggregator under load on a real server, and the checker of what it may publish (consistency.md, I7).

The load is one commit of a signal and a clock entry after the other, each signal on the next of many symbols, so that
each is a candidate of its own: it is published or held, exactly once.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis

from dfp.aggregator.core import STAGE, AggregatorCore
from dfp.aggregator.pacing import PacedReader
from dfp.contracts import codec
from dfp.contracts.entry import Kind
from dfp.contracts.held import Held
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State, opportunity_id
from dfp.contracts.policy import Bundle
from dfp.contracts.risk import Verdicts
from dfp.log import policies
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.extent import last_seq
from dfp.log.work import Work, Write
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec
from dfp.runtime.tasks import unless
from mornings import GUARDED
from opinions import clock, signal
from running import running
from violations import entries
from waiting import until

NAMES = Names("test")
BOARDS = (600, 601, 603, 605)
STEP_S = 0.01
"""Event time between two signals."""


@dataclass
class Silence:
    """A time in which nothing may be published: entries behind `after`, up to `until`.

    Attributes:
        ordered: when the command was sent, seconds of the monotonic clock.
    """

    after: int
    ordered: float
    until: int | None = None


@dataclass
class Load:
    """An aggregator that runs, and its load."""

    redis: Redis
    stage: Stage
    engine: Chain
    features: Chain
    guard: Chain
    silences: list[Silence] = field(default_factory=list)
    candidates: set[str] = field(default_factory=set)
    sent: int = 0
    enough: bool = False
    heard: float = 0.0
    """When a subscriber got the last opportunity, seconds of the monotonic clock."""

    async def feed(self, count: int | None = None) -> None:
        """Send signals and clock entries; without a count until it is enough."""
        for _ in itertools.count() if count is None else range(count):
            if self.enough:
                return
            self.sent += 1
            at = self.sent * STEP_S
            symbol = f"{BOARDS[self.sent // 1_000 % len(BOARDS)]}{self.sent % 1_000:03d}.SH"
            said = signal(at=at, symbol=symbol, horizon=3)
            self.candidates.add(opportunity_id(symbol, said.direction, said.id))
            await self.engine.commit(Work([Write(NAMES.signals, Kind.SIGNAL, codec.encode(said))]), {})
            tick = Write(NAMES.features, Kind.CLOCK, codec.encode(clock(at)), seq=self.sent)
            await self.features.commit(Work([tick]), {})
            await asyncio.sleep(0)

    async def silence(self, *command: str) -> Silence:
        """Run a command that ends all publishing, and note where in the same instant."""
        ordered = time.monotonic()
        pipe = self.redis.pipeline(transaction=True)
        pipe.execute_command(*command)
        pipe.xinfo_stream(NAMES.opportunities)
        _, info = await pipe.execute()
        found = Silence(int(info["last-generated-id"].decode().partition("-")[2]), ordered)
        self.silences.append(found)
        return found

    async def release(self, *command: str) -> None:
        """Run a command that allows publishing again."""
        self.silences[-1].until = await last_seq(self.redis, NAMES.opportunities)
        await self.redis.execute_command(*command)

    async def takes(self, more: int) -> None:
        """Wait until the aggregator has taken so many further signals."""
        key, name = NAMES.chain(STAGE), f"in:{NAMES.signals}"
        before = int(await self.redis.hget(key, name) or 0)

        async def taken() -> bool:
            return int(await self.redis.hget(key, name) or 0) >= before + more

        await until(taken)

    async def goes_by(self, policy_bundle: Bundle) -> None:
        """Apply policies; the guard judges by them at once and finds nothing."""
        await policies.write(self.redis, NAMES, policy_bundle)
        ok = Verdicts(version=policy_bundle.version, seq=0, time=0, complete=True, verdicts=[])
        await self.guard.commit(Work([Write(NAMES.risk_verdicts, Kind.VERDICTS, codec.encode(ok))]), {})

    async def drains(self) -> None:
        """Wait until the aggregator has taken all that was sent."""
        key = NAMES.chain(STAGE)

        async def drained() -> bool:
            taken = await self.redis.hmget(key, f"in:{NAMES.signals}", f"in:{NAMES.features}")  # type: ignore[misc]
            return [int(seq or 0) for seq in taken] == [self.sent, self.sent]

        await until(drained)

    async def listen(self) -> None:
        """Note when opportunities reach a subscriber; for ever."""
        async with self.redis.pubsub() as channel:
            await channel.subscribe(NAMES.opportunities_channel)
            async for _ in channel.listen():
                self.heard = time.monotonic()

    async def publishes(self) -> None:
        """Wait until something further is published."""
        before = await last_seq(self.redis, NAMES.opportunities)

        async def more() -> bool:
            return await last_seq(self.redis, NAMES.opportunities) > before

        await until(more)


@asynccontextmanager
async def aggregator(url: str, chain_class: type[Chain] = Chain) -> AsyncIterator[Load]:
    """An aggregator under `GUARDED` with a guard that has vouched for a long time."""
    redis = connect(url)
    engine, features = Chain(redis, NAMES, "engine/load", "e"), Chain(redis, NAMES, "features", "f")
    guard = Chain(redis, NAMES, "risk-guard", "g")
    for chain in (engine, features, guard):
        await chain.claim()
    await vouch(redis, 3_600)
    inputs = (NAMES.signals, NAMES.risk_verdicts, NAMES.features)
    own = connect(url)
    stage = Stage(
        StageSpec(STAGE, inputs, "opportunity"), AggregatorCore(NAMES), own, NAMES, "a", Health(),
        make_reader=lambda cursor, count: PacedReader(own, NAMES, cursor, count),
    )  # fmt: skip
    stage.chain = chain_class(own, NAMES, STAGE, "a", inputs)
    load = Load(redis, stage, engine, features, guard)
    await load.goes_by(GUARDED)
    async with running(lambda stop: unless(stop, load.listen())), running(stage.run):
        yield load
    await redis.aclose()


async def vouch(redis: Redis, seconds: float) -> None:
    """Let the verdicts be fresh for so long, as the guard's commits do."""
    now, micros = await redis.time()
    await redis.set(NAMES.risk_fresh_until, int((now + seconds) * 1e6) + micros)


async def violations_of_publication(load: Load) -> set[str]:
    """Names of what is violated, once the aggregator has taken all that was sent.

    `I7` when something was published while it may not be, or cites no verdict; `revisions` when one is missing or
    there twice; `candidates` when one was neither published nor held, or more than once.
    """
    found = set()
    revisions: dict[str, int] = {}
    for entry in await entries(load.redis, NAMES.opportunities):
        opportunity = codec.decode(entry.payload, Opportunity)
        if any(one.after < entry.seq and (one.until is None or entry.seq <= one.until) for one in load.silences):
            found.add("I7")
        if opportunity.state is not State.CLOSED and not entry.meta.cursor.get(NAMES.risk_verdicts):
            found.add("I7")
        if opportunity.rev != revisions.get(opportunity.id, 0) + 1:
            found.add("revisions")
        revisions[opportunity.id] = opportunity.rev
    held = [codec.decode(entry.payload, Held) for entry in await entries(load.redis, NAMES.opportunities_held)]
    if sorted([*revisions, *(one.opportunity.id for one in held)]) != sorted(load.candidates):
        found.add("candidates")
    return found
