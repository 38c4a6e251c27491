"""Follows the output streams of a run into a ledger, over restarts of the server."""

import asyncio
import time

from redis.asyncio import Redis

from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.local.ledger import Ledger
from dfp.log.connection import UNREACHABLE
from dfp.log.reader import Hole, Reader
from dfp.log.trim import post_floor

READER = "report"
FLOOR_S = 1.0


def followed(names: Names) -> tuple[str, ...]:
    """Streams that a report is made of."""
    return (
        names.signals,
        names.shadow_signals,
        names.opportunities,
        names.opportunities_held,
        names.outcomes,
        names.risk_alerts,
        names.dead_letters,
    )


class Follower:
    """Reads the output streams from their beginning.

    It posts floors, so that nothing is trimmed before it was read, unless a stream outgrows its byte cap; such a hole
    is noted in the ledger.
    """

    def __init__(self, redis: Redis, names: Names) -> None:
        self.redis = redis
        self.ledger = Ledger()
        self.reader = Reader(redis, dict.fromkeys(followed(names), 0), count=256)
        self._floors: dict[str, int] = {}

    async def hold(self) -> None:
        """Tell the writers where this reader is."""
        for stream, seq in self.reader.cursor.items():
            if self._floors.get(stream) != seq:
                await post_floor(self.redis, stream, READER, seq)
                self._floors[stream] = seq

    async def turn(self, block_ms: int) -> bool:
        """Read once; whether there was anything."""
        try:
            batch = await self.reader.read(block_ms)
        except Hole as hole:
            self.ledger.problems.append(str(hole))
            self.reader.cursor[hole.stream] = hole.found - 1
            return True
        for stream, entries in batch.items():
            for entry in entries:
                try:
                    self.ledger.add(entry)
                except ContractError as error:
                    self.ledger.problems.append(f"{stream} entry {entry.seq}: {error}")
        return bool(batch)

    async def run(self) -> None:
        """Follow until cancelled."""
        due = 0.0
        while True:
            try:
                await self.turn(block_ms=500)
                if time.monotonic() >= due:
                    due = time.monotonic() + FLOOR_S
                    await self.hold()
            except UNREACHABLE:  # the supervisor says so already
                await asyncio.sleep(0.2)

    async def finish(self) -> None:
        """Read what is left, once nothing is written any more. Only after `run` was cancelled."""
        while await self.turn(block_ms=1):
            pass
