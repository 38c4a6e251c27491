"""Reads the part of the log that is no longer in memory, for clients that were away for long."""

import time
from typing import Any

from redis.asyncio import Redis

from dfp.api.feed import parse
from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind, entry_id
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity, State
from dfp.log.extent import last_seq
from dfp.streamer import messages
from dfp.streamer.filters import Change, Traits, traits
from dfp.streamer.history import Chunk, Item


class RedisBacklog:
    """Implements `dfp.streamer.hub.Backlog` on a stream."""

    def __init__(self, redis: Redis, stream: str) -> None:
        self.redis = redis
        self.stream = stream

    async def last(self) -> int:
        """The newest sequence number of the stream."""
        return await last_seq(self.redis, self.stream)

    async def after(self, seq: int, count: int, known: dict[str, Traits]) -> Chunk | None:
        """At most `count` entries that follow `seq`, as messages; None when the next one was trimmed.

        Args:
            known: opportunity id -> its latest revision in what was read so far; it goes on from there.
        """
        raw: Any = await self.redis.xrange(self.stream, entry_id(seq + 1), count=count)
        entries = [parse(identifier, fields) for identifier, fields in raw]
        if not entries or entries[0].seq != seq + 1:
            return None
        now = time.time_ns()
        items = []
        for entry in entries:
            opportunity = _opportunity(entry)
            if opportunity is not None:
                message = messages.opportunity(entry.seq, entry.payload, {**entry.meta.hops, "push": now})
                items.append(Item(entry.seq, message, follow(opportunity, known)))
        return Chunk(entries[-1].seq, items)


def follow(opportunity: Opportunity, known: dict[str, Traits]) -> Change:
    """The change that a revision is, by what is known of the opportunity; `known` then knows it too."""
    now = traits(opportunity)
    before = known.pop(opportunity.id, None)
    if opportunity.state is not State.CLOSED:
        known[opportunity.id] = now
    return Change(now, before, first=opportunity.rev == 1)


def _opportunity(entry: Entry) -> Opportunity | None:
    if entry.kind is not Kind.OPPORTUNITY:
        return None
    try:
        return codec.decode(entry.payload, Opportunity)
    except ContractError:
        return None  # the feed has reported it when it met it
