"""What is asked of Redis at the moment of a request: halts, policies, chains, leases. It is asked rarely."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dfp.contracts import codec
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.contracts.policy import Bundle
from dfp.contracts.risk import Halt
from dfp.contracts.running_strategy import RunningStrategy
from dfp.log import conditions, halts, policies
from dfp.log.connection import UNREACHABLE
from dfp.log.extent import last_seq

TIMEOUT_S = 1.0
AT_ONCE = 8
"""Requests that may ask at a time; each takes a connection, and a crowd must not take them all."""


class Unreachable(Exception):
    """Redis did not answer in time, or not as it should."""


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage as its chain tells it.

    Attributes:
        cursor: input stream, or what else its feed needs -> number of the last entry that it is done with.
        behind: entries of its input streams that it has not committed.
        owner: instance that holds its lease, None when nobody runs it.
    """

    stage: str
    cursor: dict[str, int]
    behind: int
    counters: dict[str, int]
    owner: str | None


class _Owner(msgspec.Struct):
    feed: str


class Inquiry:
    """Asks one pipeline's Redis; every method raises `Unreachable`."""

    def __init__(self, redis: Redis, names: Names, timeout_s: float = TIMEOUT_S) -> None:
        self.redis = redis
        self.names = names
        self.timeout_s = timeout_s
        self._slots = asyncio.Semaphore(AT_ONCE)
        # Cursors also hold what a feed needs, under names that are no streams.
        self._streams = {
            names.raw_ticks, names.clean_ticks, names.features, names.signals, names.opportunities, names.risk_verdicts,
        }  # fmt: skip

    async def feed_name(self) -> str | None:
        """Which feed drives the pipeline, None when its owner did not say."""
        async with self._asking():
            owner = await self.redis.get(self.names.owner)
        try:
            return msgspec.json.decode(owner, type=_Owner).feed if owner else None
        except msgspec.MsgspecError:
            return None

    async def halts(self) -> list[Halt]:
        """All halts that hold."""
        async with self._asking():
            return await halts.halts(self.redis, self.names)

    async def targets(self) -> list[str]:
        """What can be halted; empty where no pipeline ever ran."""
        async with self._asking():
            return await halts.targets(self.redis, self.names)

    async def halt(self, target: str, reason: str) -> Halt | None:
        """Halt a target; the halt that holds already, None when this one is new."""
        async with self._asking():
            return await halts.halt(self.redis, self.names, target, reason)

    async def release(self, target: str, reason: str) -> bool:
        """Release a target; False when it was not halted."""
        async with self._asking():
            return await halts.release(self.redis, self.names, target, reason)

    async def policies(self) -> tuple[Bundle, dict[str, str]]:
        """The policy bundle that holds, and stage -> version that it goes by."""
        async with self._asking():
            return (
                await policies.read(self.redis, self.names),
                await policies.acknowledged(self.redis, self.names),
            )

    async def freshness(self) -> tuple[bool, int | None]:
        """Whether the risk guard's verdicts are fresh, and until when, UTC nanoseconds; None when it never ran."""
        async with self._asking():
            fresh = (await conditions.read(self.redis, self.names)).risk_fresh
            until: Any = await self.redis.get(self.names.risk_fresh_until)
            return bool(fresh), None if until is None else int(until) * 1_000

    async def strategies(self) -> list[str]:
        """Names of the strategies that have run."""
        async with self._asking():
            return await halts.strategies_that_ran(self.redis, self.names)

    async def running(self) -> dict[str, RunningStrategy]:
        """Name -> what its engine said when it started."""
        async with self._asking():
            found: Any = await self.redis.hgetall(self.names.strategies)
            return {name.decode(): codec.decode(document, RunningStrategy) for name, document in found.items()}

    async def stages(self, prefix: str = "") -> list[StageView]:
        """The stages whose names begin with `prefix`, by name."""
        stem = self.names.chain("")
        async with self._asking():
            keys = [key.decode() async for key in self.redis.scan_iter(f"{stem}{prefix}*", count=1_000)]
            return await self._views(sorted(key.removeprefix(stem) for key in keys))

    async def stage(self, name: str) -> StageView | None:
        """One stage, None when it has no chain."""
        async with self._asking():
            if not await self.redis.exists(self.names.chain(name)):
                return None
            return (await self._views([name]))[0]

    async def _views(self, stages: list[str]) -> list[StageView]:
        names = self.names
        async with self.redis.pipeline(transaction=False) as pipe:
            for stage in stages:
                pipe.hgetall(names.chain(stage))
                pipe.hgetall(names.counts(stage))
                pipe.get(names.lease(stage))
            found: list[Any] = await pipe.execute()
        cursors = [_cursor(chain) for chain in found[0::3]]
        streams = {name for cursor in cursors for name in cursor if name in self._streams}
        # After the chains, so that a backlog is never too low.
        ends = {stream: await last_seq(self.redis, stream) for stream in sorted(streams)}
        return [
            StageView(
                stage=stage,
                cursor=cursor,
                behind=sum(max(0, ends[stream] - seq) for stream, seq in cursor.items() if stream in ends),
                counters={name.decode(): int(value) for name, value in sorted(counts.items())},
                owner=None if lease is None else lease.decode(),
            )
            for stage, cursor, counts, lease in zip(stages, cursors, found[1::3], found[2::3], strict=True)
        ]

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_s), self._slots:
                yield
        except (*UNREACHABLE, RedisError) as error:
            raise Unreachable(f"redis does not answer: {error or 'too slow'}") from None
        except (ContractError, UnicodeDecodeError, ValueError) as error:
            raise Unreachable(f"redis holds what is not ours: {error}") from None


def _cursor(chain: dict[bytes, bytes]) -> dict[str, int]:
    found = {name[3:].decode(): int(value) for name, value in chain.items() if name.startswith(b"in:")}
    return dict(sorted(found.items()))
