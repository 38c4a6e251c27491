"""Follows `dfp:raw_ticks`: what has arrived is cleaned, written and committed at once, in micro-batches of one read.

Producers append to the stream, and the collector alone trims it: up to its last snapshot, because the entries behind
that are needed again after a crash. They are buffered there while the collector is away, up to a hard cap.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from redis.asyncio import Redis

from dfp.collector.core import STAGE
from dfp.collector.live_core import LiveCore, Place
from dfp.collector.order import LATENESS_NS
from dfp.collector.raw_ticks import START, EntryId, id_of, parse_id, read
from dfp.collector.writer import Writer
from dfp.contracts.entry import Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.log import snapshot
from dfp.log.extent import last_id
from dfp.log.snapshot import Snapshot
from dfp.log.work import Work
from dfp.runtime.probes import Health

COUNT, COUNT_OF_LARGE = 1_000, 10
"""Entries of one read. After a read of more than `LARGE_BYTES` fewer are taken, so that a flood of huge ones is read in
pieces that memory holds."""

LARGE_BYTES = 4 * 2**20

GAP_S = 0.005
"""Between two reads that found little. An entry is work for every stage, however few ticks it has: without the gap,
ticks that trickle in one by one would keep two cores busy with themselves, and all would be late."""

RAW_BYTES = 256 * 2**20
"""Hard cap of the stream: about half a million ticks. The oldest go, read or not, before the server's memory does."""

TIDY_S = 5.0

_Reply = list[tuple[bytes, Mapping[bytes, bytes]]]

_log = structlog.get_logger(__name__)


class LiveRunner(Writer):
    """The collector of the feed `raw_ticks`."""

    core: LiveCore

    def __init__(self, core: LiveCore, redis: Redis, names: Names, identity: str, health: Health) -> None:
        super().__init__(core, redis, names, identity, health)
        self.stream = names.raw_ticks
        self._milliseconds, self._number = f"{self.stream}:milliseconds", f"{self.stream}:number"
        """Cursor names: id of the last entry whose tick is in the log."""
        self._place = {field: f"{names.clean_ticks}:{field}" for field in Place._fields}
        """Cursor names: where the log ends."""
        self._kept: EntryId = START
        """Entries behind this one would be taken again after a crash."""

    def cursor(self) -> dict[str, int]:
        """See `Writer`."""
        milliseconds, number = self.core.entry
        return {
            **super().cursor(),
            self._milliseconds: milliseconds,
            self._number: number,
            **{self._place[field]: value for field, value in self.core.place._asdict().items()},
        }

    async def send(self, work: Work, cursor: dict[str, int], state: Snapshot | None) -> None:
        """See `Writer`."""
        await super().send(work, cursor, state)
        if state is not None:
            self._kept = (cursor[self._milliseconds], cursor[self._number])

    async def recover_and_follow(self, stop: asyncio.Event) -> None:
        """See `Writer`."""
        self.health.become("recovering")
        await self._recover()
        tidy_due = read_due = 0.0
        count = COUNT
        while not stop.is_set():
            self.health.become("serving", ready=True)
            await asyncio.sleep(read_due - time.monotonic())
            entries = await self._read(count)
            read_due = time.monotonic() + GAP_S if len(entries) < count else 0.0
            if entries:
                count = COUNT if _size(entries) < LARGE_BYTES else COUNT_OF_LARGE
                self._take(entries)
            elif self.core.by_wall and (quiet_until := await self._quiet_until()) is not None:
                self._advance(quiet_until)
            await self.commit_now()
            if time.monotonic() >= tidy_due:
                tidy_due = time.monotonic() + TIDY_S
                await self._tidy()
        await self.committed()

    async def _recover(self) -> None:
        """Bring the core to where the log stands: a snapshot, then the entries behind it again, output suppressed."""
        core, cursor = self.core, self.chain.cursor
        self._work = Work()
        position = cursor.get(self.source, 0)
        entry = (cursor.get(self._milliseconds, 0), cursor.get(self._number, 0))
        found = await snapshot.load(self.redis, self.chain)
        core.load(b"")
        if found is not None and found.seq <= position:
            try:
                core.load(found.state)
            except ContractError as error:
                _log.warning("snapshot is of another version, starting afresh", stage=STAGE, error=str(error))
                core.load(b"")
        self._kept = core.entry
        start = core.position
        while core.position < position and (entries := await self._range(core.entry, entry)):
            core.receive(read(entries, core.position, core.levels), Work())
            self.health.turn()
        if self.horizon in cursor:
            core.advance(cursor[self.horizon], Work())
        core.resume(Place(*(cursor.get(name, 0) for name in self._place.values())))
        if missing := position - core.position:
            core.skip(position, entry)
            _log.warning("entries behind the snapshot are gone", stage=STAGE, missing=missing)
            core.declare_gap(f"{missing} raw ticks since the last snapshot are gone", self._work)
        self._sent = core.seq
        _log.info("recovered", stage=STAGE, snapshot=start, position=position, seq=core.seq)

    async def _read(self, count: int) -> _Reply:
        """What is there now, else what arrives before event time has to go on."""
        block_ms = 1_000 - time.time_ns() // 10**6 % 1_000
        reply: Any = await self.redis.xread({self.stream: id_of(self.core.entry)}, count, block_ms)
        entries: _Reply = reply[0][1] if reply else []
        return entries

    async def _range(self, after: EntryId, until: EntryId) -> _Reply:
        entries: Any = await self.redis.xrange(self.stream, f"({id_of(after)}", id_of(until), COUNT)
        found: _Reply = entries
        return found

    def _take(self, entries: _Reply) -> None:
        now = time.time_ns()
        before = len(self._work.writes)
        oldest = self.core.receive(read(entries, self.core.position, self.core.levels), self._work)
        # Times of a feed that is believed need have nothing to do with the wall clock.
        exchange = {"exchange": min(oldest, now)} if oldest is not None and self.core.by_wall else {}
        self._stamp(before, {**exchange, "ingest": now})

    async def _quiet_until(self) -> int | None:
        """The server's time (UTC nanoseconds) unless something is unread: what comes later has a later id."""
        async with self.redis.pipeline(transaction=True) as together:
            together.xread({self.stream: id_of(self.core.entry)}, 1)
            together.time()
            unread, (seconds, microseconds) = await together.execute()
        return None if unread else (seconds * 1_000 + microseconds // 1_000) * 10**6

    def _advance(self, quiet_until: int) -> None:
        before = len(self._work.writes)
        self.core.advance(quiet_until - LATENESS_NS, self._work)
        self._stamp(before, {"ingest": time.time_ns()})

    def _stamp(self, first: int, hops: dict[str, int]) -> None:
        meta = Meta(hops)
        writes = self._work.writes
        writes[first:] = [replace(write, meta=meta) for write in writes[first:]]

    async def _tidy(self) -> None:
        """Trim what is not needed again, and what is beyond the cap; notice when the stream was made anew."""
        redis, stream, core = self.redis, self.stream, self.core
        last = await last_id(redis, stream)
        if last is None:
            return
        if parse_id(last) < core.entry:
            _log.warning("raw ticks were deleted and begin anew", stage=STAGE, stream=stream)
            core.entry = START
            self._snapshot_due = 0.0
            return
        await redis.xtrim(stream, minid=id_of(self._kept), approximate=True)
        if int(await redis.memory_usage(stream, samples=10) or 0) <= RAW_BYTES:
            return
        await redis.xtrim(stream, minid=_behind(core.entry), approximate=False)
        length, used = await redis.xlen(stream), int(await redis.memory_usage(stream, samples=10) or 0)
        if used > RAW_BYTES and length > 1:
            lost = await redis.xtrim(stream, maxlen=max(1, length * RAW_BYTES // used), approximate=False)
            _log.error("raw ticks were dropped unread", stage=STAGE, lost=lost, cap_bytes=RAW_BYTES)
            core.lose(lost, self._work)


def _size(entries: _Reply) -> int:
    return sum(len(value) for _, fields in entries for value in fields.values())


def _behind(entry: EntryId) -> str:
    milliseconds, number = entry
    return id_of((milliseconds, number + 1) if number < 2**64 - 1 else (milliseconds + 1, 0))
