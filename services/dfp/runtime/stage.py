"""Runs a pure core over the log: claim, recover, then read, process, commit, again and again.

There is no timer between hops: what is there is taken and committed; meanwhile the next is read and processed. Batches
grow by themselves when the stage falls behind, and a core does not care how its input was cut.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import msgspec
import structlog
from redis.asyncio import Redis

from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Entry, from_fields
from dfp.contracts.entry import entry_id as id_of
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.contracts.policy import Bundle
from dfp.log import conditions, policies, snapshot
from dfp.log.chain import Chain, ConditionsChanged, Fenced, Halted
from dfp.log.connection import UNREACHABLE, close
from dfp.log.reader import Hole, Reader
from dfp.log.snapshot import Snapshot
from dfp.log.trim import post_floor, trim
from dfp.log.work import Core, Work
from dfp.runtime.probes import Health
from dfp.runtime.retention import Retention
from dfp.runtime.tasks import end, unless, until_one_ends

RENEW_S = 1.0
TRIM_S = 5.0
SNAPSHOT_S = 15.0
RERUN_COUNT = 256
READ_COUNT = 32
"""Entries in one batch at most: up to 16,384 ticks, some ten milliseconds of work, well below a lease."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """How one stage hangs in the pipeline.

    Attributes:
        name: stage name; also chain, lease, group and counter names.
        inputs: full names of the streams it reads.
        hop: what its commits are called in the metadata of its outputs.
        retention: output stream -> what is kept of it.
        halt_targets: halts that stop its output.
        shadow: stream -> stream that takes its entries while a halt is set.
        vouches: whether its commits, one a second at least, make the risk verdicts fresh.
    """

    name: str
    inputs: tuple[str, ...]
    hop: str
    retention: Mapping[str, Retention] = field(default_factory=dict)
    halt_targets: tuple[str, ...] = ()
    shadow: Mapping[str, str] = field(default_factory=dict)
    vouches: bool = False


@runtime_checkable
class CommittedState(Protocol):
    """A core whose state rides in its commits, change by change, and needs neither snapshot nor re-run."""

    def load_state(self, fields: Mapping[str, bytes]) -> None:
        """Replace the state by what was committed."""


@runtime_checkable
class Conditional(Protocol):
    """A core whose decisions depend on conditions outside the log; see `dfp.contracts.conditions`.

    Attributes:
        conditions: what its state and its work were made under; its commits are refused when that does not hold.
    """

    conditions: Conditions

    def assume(self, conditions: Conditions, bundle: Bundle, work: Work) -> None:
        """Go by other conditions from here on. Also called after each load, because a bundle is not part of the state.

        Args:
            conditions: all that hold.
            bundle: the policies that hold.
            work: takes what follows at once.
        """


class Stage:
    """One stage, from its first claim to its graceful end.

    Args:
        redis: closed when the stage ends.
        before_rerun: called with (first, last) sequence number before entries are processed again after a restart.
        make_reader: given (cursor, entries at most), makes what reads the inputs.
    """

    def __init__(
        self,
        spec: StageSpec,
        core: Core,
        redis: Redis,
        names: Names,
        identity: str,
        health: Health,
        before_rerun: Callable[[int, int], Awaitable[None]] | None = None,
        make_reader: Callable[[Mapping[str, int], int], Reader] | None = None,
    ) -> None:
        self.spec = spec
        self.core = core
        self.redis = redis
        self.names = names
        self.health = health
        self.before_rerun = before_rerun
        self.make_reader = make_reader or functools.partial(Reader, redis)
        self.chain = Chain(redis, names, spec.name, identity, spec.inputs)
        self._snapshot_task: asyncio.Task[None] | None = None
        self._snapshot_due = 0.0
        self._snapshot_seq = 0
        self._settled = True
        """The core stands where the chain's cursor does: no batch was processed whose commit may not be applied."""
        self._agreed = False
        """The core knows the policies since it was loaded."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a lost server, a lost lease and a moved chain lead back to the claim."""
        while not stop.is_set():
            self.health.become("waiting for the lease")
            claim = asyncio.create_task(self.chain.claim())
            try:
                if not await unless(stop, claim):
                    break
                await self._recover(memory_is_good=claim.result() and self._settled)
                await self._agree()
                await self._own(stop)
            except ConditionsChanged as change:
                _log.info(
                    "conditions have changed", stage=self.spec.name, conditions=msgspec.to_builtins(change.conditions)
                )
            except Fenced as error:
                _log.warning("lost the chain, recovering", stage=self.spec.name, reason=str(error))
            except UNREACHABLE as error:
                _log.warning("lost redis, recovering", stage=self.spec.name, error=str(error))
            finally:
                if self._snapshot_task is not None and not stop.is_set():
                    await end(self._snapshot_task)
        await self._leave()

    async def _recover(self, *, memory_is_good: bool) -> None:
        """Bring the core to the committed cursor; its memory is used again only if nobody moved the chain."""
        if memory_is_good:
            return
        self.health.become("recovering")
        self._agreed = False
        if isinstance(self.core, CommittedState):
            fields: dict[Any, Any] = await self.redis.hgetall(self.names.state(self.spec.name))
            self.core.load_state({name.decode(): value for name, value in fields.items()})
            self._settled = True
            return
        (stream,) = self.spec.inputs
        committed = self.chain.cursor.get(stream, 0)
        start = await self._load_snapshot(committed)
        if self.before_rerun is not None:
            await self.before_rerun(start + 1, committed)
        await self._rerun(stream, start, committed)
        self._snapshot_seq = start
        self._settled = True
        _log.info("recovered", stage=self.spec.name, snapshot=start, cursor=committed)

    async def _load_snapshot(self, committed: int) -> int:
        found = await snapshot.load(self.redis, self.chain)
        if found is not None and found.seq <= committed:
            try:
                self.core.load(found.state)
            except ContractError as error:
                _log.warning("snapshot is of another version, starting afresh", stage=self.spec.name, error=str(error))
            else:
                return found.seq
        self.core.load(b"")
        return 0

    async def _rerun(self, stream: str, start: int, committed: int) -> None:
        while start < committed:
            raw: Any = await self.redis.xrange(stream, id_of(start + 1), id_of(committed), count=RERUN_COUNT)
            entries = [from_fields(entry_id, fields) for entry_id, fields in raw]
            if not entries or entries[0].seq != start + 1:
                # Trimmed by the byte cap before this stage had a newer snapshot: its windows start again from here.
                found = entries[0].seq if entries else committed + 1
                _log.error("entries are missing for the re-run", stage=self.spec.name, first=start + 1, found=found)
                if not entries:
                    return
            self.core.process(stream, entries, Work())
            start = entries[-1].seq
            self.health.turn()
            await asyncio.sleep(0)  # the lease and the probes go on during a long re-run

    async def _agree(self) -> None:
        """Let the core take the conditions that hold, and commit what follows from them.

        Raises:
            ConditionsChanged: they changed in between.
        """
        if not isinstance(self.core, Conditional):
            return
        holding = await conditions.read(self.redis, self.names)
        if self._agreed and self.core.conditions.allow(holding):
            return
        bundle = await policies.read(self.redis, self.names)
        if bundle.version != holding.policies:
            raise ConditionsChanged(holding)
        work = Work()
        self._settled = False
        self.core.assume(holding, bundle, work)
        await self._commit(work, {})
        self._settled = self._agreed = True
        await policies.acknowledge(self.redis, self.names, self.spec.name, bundle.version)

    async def _own(self, stop: asyncio.Event) -> None:
        keeper = asyncio.create_task(self._keep())
        follower = asyncio.create_task(self._follow(stop))
        try:
            await until_one_ends(stop, follower, keeper)
        finally:
            await end(keeper)
            if not follower.done():
                await self.redis.connection_pool.disconnect()  # ends a blocking read at once
                await end(follower)

    async def _follow(self, stop: asyncio.Event) -> None:
        cursor = {stream: self.chain.cursor.get(stream, 0) for stream in self.spec.inputs}
        reader = self.make_reader(cursor, READ_COUNT)
        ahead = asyncio.create_task(self._read(reader))
        committing: asyncio.Task[None] | None = None
        try:
            while await unless(stop, ahead):
                batch = ahead.result()
                ahead = asyncio.create_task(self._read(reader))
                self.health.turn()
                await asyncio.sleep(0)  # lets the read-ahead go out before the core keeps the loop busy
                work = Work()
                if batch:
                    self._settled = False
                    for stream, entries in batch.items():
                        self.core.process(stream, entries, work)
                if committing is not None:
                    await committing
                    committing = None
                if batch:
                    upto = {stream: entries[-1].seq for stream, entries in batch.items()}
                    committing = asyncio.create_task(self._commit(work, upto))
                    await asyncio.sleep(0)
                elif self.spec.vouches:
                    await self._commit(work, {})
                if committing is not None and self._snapshot_is_due():
                    await committing
                    committing = None
                    self._take_snapshot()
                self._settled = committing is None
                self.health.become("serving", ready=True)
            if committing is not None:
                await committing
            self._settled = True
        finally:
            await end(ahead)
            if committing is not None:
                await end(committing)

    async def _read(self, reader: Reader) -> dict[str, list[Entry]]:
        try:
            return await reader.read()
        except Hole as hole:
            _log.error("entries were trimmed before they were read", stage=self.spec.name, hole=str(hole))
            await self.redis.hincrby(self.names.counts(self.spec.name), "holes", 1)
            reader.cursor[hole.stream] = hole.found - 1
            return {}

    async def _commit(self, work: Work, cursor: Mapping[str, int]) -> None:
        now = time.time_ns()
        hop = self.spec.hop
        work.writes = [replace(write, meta=write.meta.stamped(hop, now)) for write in work.writes]
        conditions = self.core.conditions if isinstance(self.core, Conditional) else None
        commit = functools.partial(self.chain.commit, work, cursor, conditions=conditions, vouches=self.spec.vouches)
        try:
            await commit(halt_targets=self.spec.halt_targets)
        except Halted:
            shadow = self.spec.shadow
            work.writes = [replace(write, stream=shadow.get(write.stream, write.stream)) for write in work.writes]
            work.count("halted")
            await commit()

    def _snapshot_is_due(self) -> bool:
        if isinstance(self.core, CommittedState) or time.monotonic() < self._snapshot_due:
            return False
        return self._snapshot_task is None or self._snapshot_task.done()

    def _take_snapshot(self) -> None:
        """The core must stand where the chain's cursor does."""
        self._snapshot_due = time.monotonic() + SNAPSHOT_S
        (stream,) = self.spec.inputs
        taken = Snapshot(self.chain.cursor[stream], self.core.save())
        self._snapshot_task = asyncio.create_task(self._store(stream, taken))

    async def _store(self, stream: str, taken: Snapshot) -> None:
        try:
            if await snapshot.store(self.redis, self.chain, stream, taken):
                self._snapshot_seq = taken.seq
        except UNREACHABLE as error:
            _log.warning("snapshot not stored", stage=self.spec.name, error=str(error))

    async def _keep(self) -> None:
        """Renew the lease and look at the conditions; now and then trim what this stage writes."""
        trim_due = time.monotonic() + TRIM_S
        while True:
            await asyncio.sleep(RENEW_S)
            if not await self.chain.renew():
                raise Fenced(f"{self.spec.name}: the lease is no longer ours")
            if isinstance(self.core, Conditional):
                holding = await conditions.read(self.redis, self.names)
                if not self.core.conditions.allow(holding):
                    raise ConditionsChanged(holding)  # known even if there is nothing to commit
            if time.monotonic() < trim_due:
                continue
            trim_due = time.monotonic() + TRIM_S
            if isinstance(self.core, CommittedState):
                for stream in self.spec.inputs:
                    await post_floor(self.redis, stream, self.spec.name, self.chain.cursor.get(stream, 0))
            for stream, kept in self.spec.retention.items():
                await trim(self.redis, stream, kept.max_bytes, behind_readers=kept.behind_readers)

    async def _leave(self) -> None:
        """Store a last snapshot and hand the lease over; a server that is gone makes no difference."""
        if self._snapshot_task is not None:
            await asyncio.gather(self._snapshot_task, return_exceptions=True)
        with contextlib.suppress(*UNREACHABLE):
            if self._settled and not isinstance(self.core, CommittedState) and await self.chain.intact():
                (stream,) = self.spec.inputs
                seq = self.chain.cursor.get(stream, 0)
                if seq > self._snapshot_seq:
                    await snapshot.store(self.redis, self.chain, stream, Snapshot(seq, self.core.save()))
            await self.chain.release()
        await close(self.redis)
