"""Runs the collector's core over a feed: claim the log, recover, then take what is due and commit it, again and again.

While a commit is under way the next rows are taken already; they go into one commit, however many they are. Where
commits begin and end leaves no trace in the log.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import structlog
from redis.asyncio import Redis

from dfp.collector.core import STAGE, CollectorCore
from dfp.collector.feed import Feed, FeedError, RawBatch
from dfp.collector.framing import INSTANT_NS
from dfp.collector.order import LATENESS_NS
from dfp.collector.pace import Pace
from dfp.contracts.entry import Meta, sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.log import snapshot
from dfp.log.chain import Chain, Fenced
from dfp.log.connection import UNREACHABLE, close
from dfp.log.snapshot import Snapshot
from dfp.log.trim import trim
from dfp.log.work import Work
from dfp.market.phases import SECOND_NS
from dfp.runtime.probes import Health

RENEW_S = 1.0
TRIM_S = 5.0
SNAPSHOT_S = 5.0
"""The state is a megabyte at most, and rows since the snapshot have to be cleaned again after a crash."""

LAST_COMMIT_S = 5.0
"""How long a graceful stop waits for the commit that is under way."""

LONGEST_WAIT_S = 1.0

WRITES_A_COMMIT, BYTES_A_COMMIT = 4_096, 4 * 2**20
"""From here on rows wait for the commit that is under way: it takes some tens of milliseconds of the server's time."""

FARTHEST_BEHIND = 2_048
"""Entries that the slowest reader may be behind. A feed of the past can wait; running on would overflow the log."""

LOG_BYTES, DEAD_LETTER_BYTES = 512 * 2**20, 16 * 2**20

FINISHED = "finished"

_log = structlog.get_logger(__name__)


class Runner:
    """The collector of one pipeline, from its first claim to its graceful end.

    Args:
        pace: makes the pace of a run that starts at the given event time.
        identity: who claims the log; a restart under the same identity need not wait for the lease.
    """

    def __init__(
        self,
        core: CollectorCore,
        feed: Feed,
        pace: Callable[[int], Pace],
        redis: Redis,
        names: Names,
        identity: str,
        health: Health,
    ) -> None:
        self.core = core
        self.feed = feed
        self.make_pace = pace
        self.redis = redis
        self.names = names
        self.health = health
        self.chain = Chain(redis, names, STAGE, identity)
        self.source = f"{names.prefix}:source"
        """Cursor name: rows of the source that are in the log."""
        self.horizon = f"{names.prefix}:horizon"
        """Cursor name: event time up to which the log is written."""
        self._work = Work()
        self._bytes = 0
        self._committing: asyncio.Task[None] | None = None
        self._sent = 0
        """Sequence number of the last entry that was given to a commit."""
        self._unchecked = 0
        self._snapshot_due = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a lost server, a lost lease and a moved chain lead back to the claim."""
        while not stop.is_set():
            self.health.become("waiting for the lease")
            try:
                if await _unless(stop, self.chain.claim()):
                    await self._own(stop)
            except Fenced as error:
                _log.warning("lost the chain, recovering", stage=STAGE, reason=str(error))
            except UNREACHABLE as error:
                _log.warning("lost redis, recovering", stage=STAGE, error=str(error))
        with contextlib.suppress(*UNREACHABLE):
            await self.chain.release()
        await close(self.redis)

    async def _own(self, stop: asyncio.Event) -> None:
        keeper = asyncio.create_task(self._keep())
        following = asyncio.create_task(self._recover_and_follow(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({keeper, following, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await asyncio.wait({keeper, following}, timeout=LAST_COMMIT_S, return_when=asyncio.FIRST_COMPLETED)
            for task in (following, keeper):
                if task.done():
                    task.result()
        finally:
            committing, self._committing = self._committing, None
            running = [task for task in (committing, stopping, keeper, following) if task is not None]
            for abandoned in running:
                abandoned.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _recover_and_follow(self, stop: asyncio.Event) -> None:
        await self._recover()
        if not self.chain.cursor.get(FINISHED):
            await self._follow(stop)
        if not stop.is_set():
            self.health.become("the feed has ended", ready=True)
        while not stop.is_set():
            self.health.turn()
            await _unless(stop, asyncio.sleep(LONGEST_WAIT_S))

    async def _recover(self) -> None:
        """Bring the core to where the log stands: a snapshot, then the rows behind it again, with output suppressed."""
        self.health.become("recovering")
        self._work, self._bytes, self._unchecked = Work(), 0, 0
        position = self.chain.cursor.get(self.source, 0)
        found = await snapshot.load(self.redis, self.chain)
        self.core.load(b"")
        if found is not None and found.seq <= position:
            try:
                self.core.load(found.state)
            except ContractError as error:
                _log.warning("snapshot is of another version, starting afresh", stage=STAGE, error=str(error))
        start = self.core.position
        if start < position:
            batches = self.feed.batches(start)
            while self.core.position < position:
                batch = await asyncio.to_thread(next, batches, None)
                if batch is None:
                    raise FeedError(
                        f"source: it has {self.core.position} rows, and {position} are in the log already; "
                        f"give the source that the log was begun with, or another stream prefix"
                    )
                if batch.position > position:
                    batch, _ = batch.split(position)
                self.core.take(batch, Work())
                self.health.turn()
        if self.horizon in self.chain.cursor:
            self.core.advance(self.chain.cursor[self.horizon], Work())
        self._sent = self.core.seq
        _log.info("recovered", stage=STAGE, snapshot=start, position=position, seq=self.core.seq)

    async def _follow(self, stop: asyncio.Event) -> None:
        """Take the rest of the feed, each row when it is due, and commit the end."""
        self._snapshot_due = time.monotonic() + SNAPSHOT_S
        pace = self.make_pace(self.core.horizon)
        batches = self.feed.batches(self.core.position)
        ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await ahead) is not None and not stop.is_set():
                ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
                await self._take_when_due(batch, pace, stop)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
        await self._committed()
        if not stop.is_set():
            with self._stamped(pace, time.time_ns()):
                self.core.finish(self._work)
            self._work.count(FINISHED)
            self._commit({FINISHED: 1})
            await self._committed()

    async def _take_when_due(self, batch: RawBatch, pace: Pace, stop: asyncio.Event) -> None:
        """Take a batch piece by piece; in between let event time go on, so that what waits is written in time."""
        core = self.core
        watermarks = core.watermarks(batch)
        rest: RawBatch | None = batch
        while rest is not None and not stop.is_set():
            self.health.become("serving", ready=True)
            now = time.time_ns()
            if len(rest):
                pace.follow(int(watermarks[0]), now)
            due = pace.due(watermarks, now)
            if due == len(rest):
                taken, rest = rest, None
            elif due:
                taken, rest = rest.cut(due)
                watermarks = watermarks[due:]
            else:
                await self._wait(int(watermarks[0]) - LATENESS_NS, pace, stop)
                continue
            with self._stamped(pace, now):
                core.take(taken, self._work)
            await self._commit_when_free()

    async def _wait(self, next_row: int, pace: Pace, stop: asyncio.Event) -> None:
        """Write what is due while no row is, then wait for whatever comes first.

        Args:
            next_row: event time at which the next row is due.
        """
        now = time.time_ns()
        event = min(pace.event(now), next_row)
        ripe = self.core.ripe
        if ripe is not None and ripe - INSTANT_NS <= event:
            event = min(ripe, next_row)  # all rows of that instant are here
        with self._stamped(pace, now):
            self.core.advance(event, self._work)
        await self._commit_now()
        ripe = self.core.ripe
        written = next_row if ripe is None or ripe - INSTANT_NS <= event else ripe - INSTANT_NS
        wake = pace.wall(min(next_row, written, (event // SECOND_NS + 1) * SECOND_NS))
        wait_s = min(max(wake - time.time_ns(), 0) / 1e9, LONGEST_WAIT_S)
        await _unless(stop, asyncio.sleep(wait_s))

    @contextlib.contextmanager
    def _stamped(self, pace: Pace, now: int) -> Iterator[None]:
        """Put hop times on what is written inside: when it was written, and when it was due."""
        writes, ripe = self._work.writes, self.core.ripe
        before = len(writes)
        yield
        hops = {"ingest": now}
        if ripe is not None and ripe <= self.core.horizon and (due := pace.due_at(ripe - INSTANT_NS)) is not None:
            hops["exchange"] = min(due, now)
        meta = Meta(hops)
        for index in range(before, len(writes)):
            writes[index] = replace(writes[index], meta=meta)
            self._bytes += len(writes[index].payload)

    async def _commit_when_free(self) -> None:
        """Commit what was taken, unless a commit is under way and there is room for more."""
        busy = self._committing is not None and not self._committing.done()
        if busy and len(self._work.writes) < WRITES_A_COMMIT and self._bytes < BYTES_A_COMMIT:
            await asyncio.sleep(0)  # lets the commit go on
        else:
            await self._commit_now()

    async def _commit_now(self) -> None:
        """Commit what was taken, if anything, behind the commit that is under way."""
        await self._committed()
        await self._wait_for_readers()
        if self._work.writes or self._work.counts:
            self._commit({})
            await asyncio.sleep(0)  # lets it go out before the core keeps the loop busy

    def _commit(self, marks: dict[str, int]) -> None:
        core = self.core
        work, self._work, self._bytes = self._work, Work(), 0
        cursor = {self.source: core.position, self.horizon: core.horizon, **marks}
        state = None
        if time.monotonic() >= self._snapshot_due:
            self._snapshot_due = time.monotonic() + SNAPSHOT_S
            state = Snapshot(core.position, core.save())
        self._unchecked += core.seq - self._sent
        self._sent = core.seq
        self._committing = asyncio.create_task(self._send(work, cursor, state))

    async def _send(self, work: Work, cursor: dict[str, int], state: Snapshot | None) -> None:
        await self.chain.commit(work, cursor)
        if state is not None:
            await snapshot.store(self.redis, self.chain, self.source, state)

    async def _committed(self) -> None:
        """Wait for the commit that is under way."""
        if self._committing is not None:
            task, self._committing = self._committing, None
            await task

    async def _wait_for_readers(self) -> None:
        """Wait while a reader of the chain is far behind; those that follow read what the first ones write."""
        if self._unchecked < FARTHEST_BEHIND // 4:
            return
        self._unchecked = 0
        warned = time.monotonic()
        while slowest := await self._slowest():
            if slowest[1] <= FARTHEST_BEHIND:
                return
            self.health.turn()
            if time.monotonic() - warned > 10:
                warned = time.monotonic()
                _log.warning("waiting for a reader", stage=STAGE, reader=slowest[0], behind=slowest[1])
            await asyncio.sleep(0.005)

    async def _slowest(self) -> tuple[str, int] | None:
        """The slowest consumer group and how many entries it is behind."""
        behind: list[tuple[int, str]] = []
        for stream in (self.names.clean_ticks, self.names.features):
            if await self.redis.exists(stream):
                for group in await self.redis.xinfo_groups(stream):
                    seen = sequence(group["last-delivered-id"])
                    behind.append((self._sent - seen, group["name"].decode()))
        if not behind:
            return None
        entries, name = max(behind)
        return name, entries

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


async def _unless(stop: asyncio.Event, awaitable: Awaitable[object]) -> bool:
    """Await something unless `stop` is set first; False when it was, and the other is then cancelled."""
    task = asyncio.ensure_future(awaitable)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return False
        await task
        return True
    finally:
        for pending in (task, stopping):
            pending.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
