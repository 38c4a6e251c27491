"""Reads the part of the log that is no longer in memory, for clients that were away for long."""

import time
from typing import Any

from redis.asyncio import Redis

from dfp.api.feed import parse
from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind, entry_id
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.log.extent import last_seq
from dfp.streamer import messages
from dfp.streamer.history import Chunk


class RedisBacklog:
    """Implements `dfp.streamer.hub.Backlog` on a stream."""

    def __init__(self, redis: Redis, stream: str) -> None:
        self.redis = redis
        self.stream = stream

    async def last(self) -> int:
        """The newest sequence number of the stream."""
        return await last_seq(self.redis, self.stream)

    async def after(self, seq: int, count: int) -> Chunk | None:
        """At most `count` entries that follow `seq`, as messages; None when the next one was trimmed."""
        raw: Any = await self.redis.xrange(self.stream, entry_id(seq + 1), count=count)
        entries = [parse(identifier, fields) for identifier, fields in raw]
        if not entries or entries[0].seq != seq + 1:
            return None
        now = time.time_ns()
        told = [
            (entry.seq, messages.opportunity(entry.seq, entry.payload, {**entry.meta.hops, "push": now}))
            for entry in entries
            if _is_opportunity(entry)
        ]
        return Chunk(entries[-1].seq, told)


def _is_opportunity(entry: Entry) -> bool:
    if entry.kind is not Kind.OPPORTUNITY:
        return False
    try:
        codec.decode(entry.payload, Opportunity)
    except ContractError:
        return False  # the feed has reported it when it met it
    return True
