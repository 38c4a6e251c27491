"""Reads verdicts, opportunities and features in the order in which the aggregator knew them.

An opportunity cites the verdicts that it was decided under, so those are read first, and no later ones. And features
are read no further than the aggregator has: everything that it published by then is read before them, so that the price
at which somebody could follow an opportunity is never one of before.
"""

import itertools
import time
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from dfp.contracts.entry import Entry
from dfp.contracts.entry import entry_id as id_of
from dfp.contracts.names import Names
from dfp.log.connection import BLOCK_MS
from dfp.log.extent import groups, last_seq
from dfp.log.reader import Reader, contiguous

POLL_MS = 100
"""Longest wait for an opportunity before the aggregator's progress is looked at again."""

STALLED_S = 2.0
"""An aggregator that stands still for so long no longer holds the features back."""

_AGGREGATOR = "aggregator"


class AuditReader(Reader):
    """A `Reader` of the auditor's three inputs."""

    def __init__(self, redis: Redis, names: Names, cursor: Mapping[str, int], count: int) -> None:
        super().__init__(redis, cursor, count)
        self._verdicts = names.risk_verdicts
        self._opportunities = names.opportunities
        self._features = names.features
        self._waiting: list[Entry] = []
        """Opportunities that cite later verdicts than those just read."""
        self._position, self._since = -1, 0.0

    async def read(self, block_ms: int = BLOCK_MS) -> dict[str, list[Entry]]:
        """See `Reader.read`."""
        bound = await self._bound(time.monotonic())
        cited = await self._position_on(self._verdicts)
        behind = bool(self._waiting)
        if not behind:
            wait = None if bound > self.cursor[self._features] else min(block_ms, POLL_MS)
            self._waiting = (await self._read_streams([self._opportunities], wait)).get(self._opportunities, [])
            behind = len(self._waiting) == self.count
        if self._waiting:
            cited = max(self.cursor[self._verdicts], self._cited(self._waiting[0]))
        read: dict[str, list[Entry]] = {}
        verdicts = await self._range(self._verdicts, cited)
        if verdicts:
            read[self._verdicts] = verdicts
        run = list(itertools.takewhile(lambda entry: self._cited(entry) <= cited, self._waiting))
        if run:
            read[self._opportunities] = run
            self._waiting = self._waiting[len(run) :]
        if not self._waiting and not behind:
            features = await self._range(self._features, bound, self.count)
            if features:
                read[self._features] = features
        return read

    def _cited(self, opportunity: Entry) -> int:
        return opportunity.meta.cursor.get(self._verdicts, 0)

    async def _range(self, stream: str, last: int, count: int | None = None) -> list[Entry]:
        """The entries from the cursor on up to number `last`; moves the cursor."""
        after = self.cursor[stream]
        if last <= after:
            return []
        raw: Any = await self.redis.xrange(stream, id_of(after + 1), id_of(last), count=count)
        entries = contiguous(stream, after, raw)
        if entries:
            self.cursor[stream] = entries[-1].seq
        return entries

    async def _bound(self, now: float) -> int:
        """The last feature entry that the aggregator has committed; without an aggregator, the last one there is."""
        last = await last_seq(self.redis, self._features)
        position = await self._position_on(self._features, otherwise=last)
        if position > self._position or position >= last:
            self._position, self._since = position, now
        return position if now - self._since < STALLED_S else last

    async def _position_on(self, stream: str, otherwise: int = 0) -> int:
        found = await groups(self.redis, stream)
        return next((group.seq for group in found if group.name == _AGGREGATOR), otherwise)
