"""Reads signals and features so that the log's clock never overtakes the engines.

An engine needs time for what the aggregator could read at once. If the clock ran ahead, signals would arrive after
their own expiry whenever an engine is behind, above all in a replay at full speed. So features are read only up to the
entry that every engine has committed, and behind the signals that those commits hold.
"""

import time
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from dfp.contracts.entry import Entry, sequence
from dfp.contracts.entry import entry_id as id_of
from dfp.contracts.names import Names
from dfp.log.connection import BLOCK_MS
from dfp.log.reader import Reader, contiguous

POLL_MS = 20
"""Longest wait for a signal while the clock waits for an engine. A signal is read at once, only the clock is late."""

STALLED_S = 2.0
"""An engine that stands still for so long no longer holds the clock back: opportunities must expire without it."""

_GROUPS = b"engine/"


class PacedReader(Reader):
    """A `Reader` of signals and features for one aggregator."""

    def __init__(self, redis: Redis, names: Names, cursor: Mapping[str, int], count: int) -> None:
        super().__init__(redis, {names.signals: cursor[names.signals]}, count)
        self._features = names.features
        self.cursor[self._features] = cursor[self._features]
        self._progress: dict[bytes, tuple[int, float]] = {}

    async def read(self, block_ms: int = BLOCK_MS) -> dict[str, list[Entry]]:
        """See `Reader.read`. Signals come before the features that may have caused them."""
        features, after = self._features, self.cursor[self._features]
        bound = await self._bound(time.monotonic())
        wait = None if bound > after else min(block_ms, POLL_MS)
        read = await self._read_streams([stream for stream in self.cursor if stream != features], wait)
        behind = any(len(entries) == self.count for entries in read.values())
        if bound > after and not behind:
            raw: Any = await self.redis.xrange(features, id_of(after + 1), id_of(bound), count=self.count)
            if raw:
                read[features] = contiguous(features, after, raw)
                self.cursor[features] = read[features][-1].seq
        return read

    async def _bound(self, now: float) -> int:
        """The last feature entry that every engine has committed; without engines, the last one there is."""
        if not await self.redis.exists(self._features):
            return 0
        last = sequence((await self.redis.xinfo_stream(self._features))["last-generated-id"])
        seen: dict[bytes, tuple[int, float]] = {}
        bound = last
        for group in await self.redis.xinfo_groups(self._features):
            name = group["name"]
            if not name.startswith(_GROUPS):
                continue
            position = sequence(group["last-delivered-id"])
            before, since = self._progress.get(name, (-1, now))
            if position > before or position >= last:
                since = now
            seen[name] = (position, since)
            if now - since < STALLED_S:
                bound = min(bound, position)
        self._progress = seen
        return bound
