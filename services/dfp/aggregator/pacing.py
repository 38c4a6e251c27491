"""Reads verdicts, signals and features so that neither the log's clock nor a signal overtakes who should be before it.

An engine needs time for what the aggregator could read at once. If the clock ran ahead, signals would arrive after
their own expiry whenever an engine is behind, above all in a replay at full speed. So features are read only up to the
entry that every engine has committed, and behind the signals that those commits hold. And a signal is handed on only
when the risk guard has judged every tick that any engine had seen by then: its verdicts are part of the same batch.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from dfp.contracts.entry import Entry
from dfp.contracts.entry import entry_id as id_of
from dfp.contracts.names import Names
from dfp.log.connection import BLOCK_MS
from dfp.log.extent import groups
from dfp.log.reader import Reader, contiguous

POLL_MS = 20
"""Longest wait for a signal while the clock waits for an engine. A signal is read at once, only the clock is late."""

STALLED_S = 2.0
"""Who stands still for so long no longer holds anything back: opportunities must expire without an engine, and without
the guard it is the commit's condition of fresh risk that holds candidates."""

GUARD_POLL_S = 0.001

_ENGINES = "engine/"
_GUARD = "risk-guard"


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far the readers of the features are.

    Attributes:
        last: newest entry, as the groups of all readers say; the aggregator itself has one.
        slowest, fastest: of the engines that do not stand still; `last` and 0 without any.
        guard: the risk guard's place; None without one, or when it stands still.
    """

    last: int
    slowest: int
    fastest: int
    guard: int | None


class PacedReader(Reader):
    """A `Reader` of verdicts, signals and features for one aggregator."""

    def __init__(self, redis: Redis, names: Names, cursor: Mapping[str, int], count: int) -> None:
        super().__init__(redis, cursor, count)
        self._signals = names.signals
        self._verdicts = names.risk_verdicts
        self._features = names.features
        self._seen: dict[str, tuple[int, float]] = {}
        self._waiting: list[Entry] = []
        """Signals that were read and wait for the guard."""
        self._wanted = 0
        """Where the guard must have been before they are handed on."""

    async def read(self, block_ms: int = BLOCK_MS) -> dict[str, list[Entry]]:
        """See `Reader.read`. Verdicts come first, then signals, then the features that may have caused neither."""
        after = self.cursor[self._features]
        progress = await self._progress()
        bound = progress.slowest if progress.guard is None else min(progress.slowest, progress.guard)
        behind = bool(self._waiting)
        wait = None if behind or bound > after else min(block_ms, POLL_MS)
        found = await self._read_streams([self._verdicts] if behind else [self._verdicts, self._signals], wait)
        verdicts, signals = found.get(self._verdicts, []), found.get(self._signals, [])
        behind = behind or len(verdicts) == self.count or len(signals) == self.count
        if signals and progress.guard is not None:
            progress = await self._progress()
            self._wanted = progress.fastest
        self._waiting += signals
        if not await self._guard_passes(progress, block_ms):
            return {self._verdicts: verdicts} if verdicts else {}
        signals, self._waiting = self._waiting, []
        if signals:
            verdicts += await self._further_verdicts()
        features: list[Entry] = []
        if bound > after and not behind:
            raw: Any = await self.redis.xrange(self._features, id_of(after + 1), id_of(bound), count=self.count)
            if raw:
                features = contiguous(self._features, after, raw)
                self.cursor[self._features] = features[-1].seq
        read = {self._verdicts: verdicts, self._signals: signals, self._features: features}
        return {stream: entries for stream, entries in read.items() if entries}

    async def _guard_passes(self, progress: _Progress, block_ms: int) -> bool:
        """Whether the guard comes to have judged what the waiting signals' engines had seen, within `block_ms`."""
        deadline = time.monotonic() + block_ms / 1_000
        while self._waiting and progress.guard is not None and progress.guard < self._wanted:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(GUARD_POLL_S)
            progress = await self._progress()
        return True

    async def _further_verdicts(self) -> list[Entry]:
        """All verdicts that are there by now."""
        found: list[Entry] = []
        while True:
            more = (await self._read_streams([self._verdicts], None)).get(self._verdicts, [])
            found += more
            if len(more) < self.count:
                return found

    async def _progress(self) -> _Progress:
        now = time.monotonic()
        found = await groups(self.redis, self._features)
        last = max((group.seq + group.lag for group in found), default=0)
        seen: dict[str, tuple[int, float]] = {}
        moving: dict[str, int] = {}
        for group in found:
            if not group.name.startswith((_ENGINES, _GUARD)):
                continue
            before, since = self._seen.get(group.name, (-1, now))
            if group.seq > before or group.seq >= last:
                since = now
            seen[group.name] = (group.seq, since)
            if now - since < STALLED_S:
                moving[group.name] = group.seq
        self._seen = seen
        guard = moving.pop(_GUARD, None)
        return _Progress(last, min(moving.values(), default=last), max(moving.values(), default=0), guard)
