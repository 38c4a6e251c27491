"""Owns the log: claims it, commits what a core writes, keeps snapshots, trims. What follows a feed derives from it.

While a commit is under way the next rows are taken already; they go into one commit, however many they are.
"""

import abc
import asyncio
import contextlib
import time

import structlog
from redis.asyncio import Redis

from dfp.collector.core import STAGE, CollectorCore
from dfp.contracts.names import Names
from dfp.log import snapshot
from dfp.log.chain import Chain, Fenced
from dfp.log.connection import UNREACHABLE, close
from dfp.log.snapshot import Snapshot
from dfp.log.trim import trim
from dfp.log.work import Work
from dfp.runtime.probes import Health
from dfp.runtime.tasks import end, unless, until_one_ends

RENEW_S = 1.0
TRIM_S = 5.0
SNAPSHOT_S = 5.0
"""The state is a megabyte at most, and rows since the snapshot have to be cleaned again after a crash."""

LOG_BYTES, DEAD_LETTER_BYTES = 512 * 2**20, 16 * 2**20

_log = structlog.get_logger(__name__)


class Writer(abc.ABC):
    """The collector of one pipeline, from its first claim to its graceful end.

    Args:
        identity: who claims the log; a restart under the same identity need not wait for the lease.
    """

    def __init__(self, core: CollectorCore, redis: Redis, names: Names, identity: str, health: Health) -> None:
        self.core = core
        self.redis = redis
        self.names = names
        self.health = health
        self.chain = Chain(redis, names, STAGE, identity)
        self.source = f"{names.prefix}:source"
        """Cursor name: rows of the source that are in the log."""
        self.horizon = f"{names.prefix}:horizon"
        """Cursor name: event time up to which the log is written."""
        self._work = Work()
        self._committing: asyncio.Task[None] | None = None
        self._sent = 0
        """Sequence number of the last entry that was given to a commit."""
        self._snapshot_due = 0.0

    @abc.abstractmethod
    async def recover_and_follow(self, stop: asyncio.Event) -> None:
        """Bring the core to where the log stands, then follow the source until `stop` is set."""

    def cursor(self) -> dict[str, int]:
        """Where the core stands, as the chain keeps it."""
        return {self.source: self.core.position, self.horizon: self.core.horizon}

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a lost server, a lost lease and a moved chain lead back to the claim."""
        while not stop.is_set():
            self.health.become("waiting for the lease")
            try:
                if await unless(stop, self.chain.claim()):
                    await self._own(stop)
            except Fenced as error:
                _log.warning("lost the chain, recovering", stage=STAGE, reason=str(error))
            except UNREACHABLE as error:
                _log.warning("lost redis, recovering", stage=STAGE, error=str(error))
        with contextlib.suppress(*UNREACHABLE):
            await self.chain.release()
        await close(self.redis)

    async def _own(self, stop: asyncio.Event) -> None:
        self._snapshot_due = time.monotonic() + SNAPSHOT_S
        keeper = asyncio.create_task(self._keep())
        following = asyncio.create_task(self.recover_and_follow(stop))
        try:
            await until_one_ends(stop, following, keeper)
        finally:
            committing, self._committing = self._committing, None
            await end(*(task for task in (committing, keeper, following) if task is not None))

    async def commit_now(self) -> None:
        """Commit what was taken, if anything, behind the commit that is under way."""
        await self.committed()
        if self._work.writes or self._work.counts:
            self.commit({})
            await asyncio.sleep(0)  # lets it go out before the core keeps the loop busy

    def commit(self, marks: dict[str, int]) -> None:
        """Begin to commit what was taken, with further cursors."""
        core = self.core
        work, self._work = self._work, Work()
        cursor = {**self.cursor(), **marks}
        state = None
        if time.monotonic() >= self._snapshot_due:
            self._snapshot_due = time.monotonic() + SNAPSHOT_S
            state = Snapshot(core.position, core.save())
        self._sent = core.seq
        self._committing = asyncio.create_task(self.send(work, cursor, state))

    async def send(self, work: Work, cursor: dict[str, int], state: Snapshot | None) -> None:
        """Commit, then store the snapshot that belongs to it."""
        await self.chain.commit(work, cursor)
        if state is not None:
            await snapshot.store(self.redis, self.chain, self.source, state)

    async def committed(self) -> None:
        """Wait for the commit that is under way."""
        if self._committing is not None:
            task, self._committing = self._committing, None
            await task

    async def _keep(self) -> None:
        """Renew the lease; now and then trim what the collector writes."""
        trim_due = time.monotonic() + TRIM_S
        while True:
            await asyncio.sleep(RENEW_S)
            if not await self.chain.renew():
                raise Fenced(f"{STAGE}: the lease is no longer ours")
            if time.monotonic() >= trim_due:
                trim_due = time.monotonic() + TRIM_S
                await trim(self.redis, self.names.clean_ticks, LOG_BYTES, behind_readers=True)
                await trim(self.redis, self.names.dead_letters, DEAD_LETTER_BYTES, behind_readers=False)
