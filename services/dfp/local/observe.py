"""What is going on in a running pipeline, gathered once a second for the people who watch it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
from redis.asyncio import Redis

from dfp.contracts.clock import Clock
from dfp.contracts.codec import decode
from dfp.contracts.entry import Entry, Kind, from_fields
from dfp.contracts.frame import decode as decode_frame
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.local.ledger import Ledger
from dfp.local.stages import StageInputs, backlog, counters
from dfp.local.supervisor import STOPPED, STOPPING, Child
from dfp.log.extent import last_seq


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One process.

    Attributes:
        backlog: entries that wait for it; None where it reads none.
        rss: resident memory, bytes; None when it does not run.
    """

    name: str
    state: str
    ready: bool
    pid: int | None
    restarts: int
    backlog: int | None
    rss: int | None

    @property
    def ending(self) -> bool:
        """Whether it was asked to end."""
        return self.state in (STOPPING, STOPPED)


@dataclass(frozen=True, slots=True)
class View:
    """One look at the pipeline.

    Attributes:
        event_time: of the newest entry of the log, UTC nanoseconds; None before the first.
        rate: ticks accepted a second since the look before.
    """

    services: Sequence[ServiceView]
    event_time: int | None
    accepted: int
    rate: float
    signals: int
    opportunities: int
    latest: Sequence[Opportunity]


@dataclass(slots=True)
class Observer:
    """Looks at a pipeline; remembers what rates need."""

    redis: Redis
    names: Names
    stages: Sequence[StageInputs]
    _before: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), 0))

    async def look(self, children: Mapping[str, Child], ledger: Ledger) -> View:
        """The state now."""
        waiting = {stage.process: await backlog(self.redis, self.names, stage) for stage in self.stages}
        accepted = (await counters(self.redis, self.names, "collector")).get("accepted", 0)
        then, before = self._before
        self._before = now, _ = time.monotonic(), accepted
        return View(
            services=[_service(child, waiting.get(name)) for name, child in children.items()],
            event_time=await newest_time(self.redis, self.names),
            accepted=accepted,
            rate=(accepted - before) / max(now - then, 1e-3),
            signals=ledger.signals.total(),
            opportunities=ledger.opportunities,
            latest=list(ledger.latest.values()),
        )


async def newest_time(redis: Redis, names: Names) -> int | None:
    """Event time of the log's newest entry."""
    if not await last_seq(redis, names.clean_ticks):
        return None
    found: Any = await redis.xrevrange(names.clean_ticks, count=1)
    return event_time(from_fields(*found[0])) if found else None


def event_time(entry: Entry) -> int | None:
    """Event time of a tick or clock entry, UTC nanoseconds; None for other kinds.

    Raises:
        ContractError: the payload is not what its kind says.
    """
    if entry.kind is Kind.CLOCK:
        return decode(entry.payload, Clock).time
    if entry.kind is Kind.TICKS:
        return int(decode_frame(entry.payload)["time"][-1])
    return None


def _service(child: Child, waiting: int | None) -> ServiceView:
    return ServiceView(
        name=child.program.name,
        state=child.state,
        ready=child.ready,
        pid=child.pid,
        restarts=child.restarts,
        backlog=waiting,
        rss=resident(child.pid),
    )


def resident(pid: int | None) -> int | None:
    """Resident memory of a process with all its descendants, bytes; None when it is gone."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return sum(int(part.memory_info().rss) for part in (process, *process.children(recursive=True)))
    except psutil.Error:
        return None
