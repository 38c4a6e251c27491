"""Runs the collector's core over a feed that can be read again: recover, then take what is due and commit it.

Where commits begin and end leaves no trace in the log.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import structlog
from redis.asyncio import Redis

from dfp.collector.core import STAGE, CollectorCore
from dfp.collector.feed import Feed, FeedError, RawBatch
from dfp.collector.framing import INSTANT_NS
from dfp.collector.order import LATENESS_NS
from dfp.collector.pace import Pace
from dfp.collector.writer import Writer
from dfp.contracts.entry import Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.log import snapshot
from dfp.log.extent import groups
from dfp.log.work import Work
from dfp.market.phases import SECOND_NS
from dfp.runtime.probes import Health
from dfp.runtime.tasks import end, unless

LONGEST_WAIT_S = 1.0

WRITES_A_COMMIT, BYTES_A_COMMIT = 4_096, 4 * 2**20
"""From here on rows wait for the commit that is under way: it takes some tens of milliseconds of the server's time."""

FARTHEST_BEHIND = 2_048
"""Entries that the slowest reader may be behind. A feed of the past can wait; running on would overflow the log."""

FINISHED = "finished"

_log = structlog.get_logger(__name__)


class Runner(Writer):
    """The collector of a feed that can be read again from any row.

    Args:
        pace: makes the pace of a run that starts at the given event time.
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
        super().__init__(core, redis, names, identity, health)
        self.feed = feed
        self.make_pace = pace
        self._bytes = 0
        self._unchecked = 0

    async def recover_and_follow(self, stop: asyncio.Event) -> None:
        """See `Writer`. Once the feed has ended it is not read again."""
        await self._recover()
        if not self.chain.cursor.get(FINISHED):
            await self._follow(stop)
        if not stop.is_set():
            self.health.become("the feed has ended", ready=True)
        while not stop.is_set():
            self.health.turn()
            await unless(stop, asyncio.sleep(LONGEST_WAIT_S))

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
        pace = self.make_pace(self.core.horizon)
        batches = self.feed.batches(self.core.position)
        ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await ahead) is not None and not stop.is_set():
                ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
                await self._take_when_due(batch, pace, stop)
        finally:
            await end(ahead)
        await self.committed()
        if not stop.is_set():
            with self._stamped(pace, time.time_ns()):
                self.core.finish(self._work)
            self._work.count(FINISHED)
            self.commit({FINISHED: 1})
            await self.committed()

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
        await self.commit_now()
        ripe = self.core.ripe
        written = next_row if ripe is None or ripe - INSTANT_NS <= event else ripe - INSTANT_NS
        wake = pace.wall(min(next_row, written, (event // SECOND_NS + 1) * SECOND_NS))
        wait_s = min(max(wake - time.time_ns(), 0) / 1e9, LONGEST_WAIT_S)
        await unless(stop, asyncio.sleep(wait_s))

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
            await self.commit_now()

    async def commit_now(self) -> None:
        """Commit what was taken, but let readers that are far behind come closer first."""
        await self.committed()
        await self._wait_for_readers()
        await super().commit_now()

    def commit(self, marks: dict[str, int]) -> None:
        """See `Writer`."""
        self._bytes = 0
        self._unchecked += self.core.seq - self._sent
        super().commit(marks)

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
            behind += [(self._sent - group.seq, group.name) for group in await groups(self.redis, stream)]
        if not behind:
            return None
        entries, name = max(behind)
        return name, entries
