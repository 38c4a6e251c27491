"""Follows a stream for a door that answers from memory.

The doors read the Stream and never Pub/Sub: a subscriber can stay silent for good when a server hangs, and a client
must not be told of an entry before it is in the log.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import structlog
from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.codec import Document
from dfp.contracts.entry import Entry, Kind, entry_id, from_fields, sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.log.connection import BLOCK_MS, UNREACHABLE
from dfp.log.extent import last_seq
from dfp.runtime.probes import Health

READ_COUNT = 500
RETRY_S = 0.5

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
D = TypeVar("D", bound=Document)

_log = structlog.get_logger(__name__)


class Consumer(Protocol[T_contra]):
    """What a feed feeds."""

    def take(self, entry: Entry, decoded: T_contra, /) -> None:
        """Take the next entry, and what its payload says."""

    def reset(self, reason: str) -> None:
        """Forget everything; the stream is read from its beginning again."""

    def caught_up(self) -> None:
        """Everything that the stream held a moment ago was taken."""


def document(kind: Kind, type_: type[D]) -> Callable[[Entry], D]:
    """A decoder of entries of one kind."""

    def decode(entry: Entry) -> D:
        if entry.kind is not kind:
            raise ContractError("entry.k", entry.kind, kind)
        return codec.decode(entry.payload, type_)

    return decode


class StreamFeed(Generic[T]):
    """Reads a stream from its first entry on, and keeps up with it over restarts of the server.

    A failover may lose the last entries of the log and write others under the same ids. So whenever the server was
    away or is silent, the entry under the cursor must still be the one that was read; otherwise all memory is void.

    Args:
        decode: what an entry says; raises `ContractError` for one that is passed over.
        read_count: entries in one read at most.
        pause_s: between two reads. What is read for its newest values only is read in larger pieces, which is cheaper.
        over_holes: go on behind entries that were trimmed before they were read, instead of starting again.

    Attributes:
        seq: number of the last entry that was read.
    """

    def __init__(
        self,
        redis: Redis,
        stream: str,
        decode: Callable[[Entry], T],
        consumer: Consumer[T],
        health: Health,
        *,
        read_count: int = READ_COUNT,
        pause_s: float = 0.0,
        over_holes: bool = False,
    ) -> None:
        self.redis = redis
        self.stream = stream
        self.decode = decode
        self.consumer = consumer
        self.health = health
        self.read_count = read_count
        self.pause_s = pause_s
        self.over_holes = over_holes
        self._last: Entry | None = None

    @property
    def seq(self) -> int:
        """Number of the last entry that was read, 0 before the first."""
        return self._last.seq if self._last else 0

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the stream until `stop` is set.

        Cancelling is not enough: redis-py 8.1 swallows a cancellation that arrives while it opens a connection.
        """
        while not stop.is_set():
            try:
                await self._verify()
                await self._read(stop)
            except UNREACHABLE as error:
                self.health.become("redis is not reachable")
                _log.warning("redis is not reachable", stream=self.stream, error=str(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)

    async def _verify(self) -> None:
        last = self._last
        if last is None:
            return
        found: Any = await self.redis.xrange(self.stream, entry_id(last.seq), entry_id(last.seq))
        if not found and await last_seq(self.redis, self.stream) >= last.seq:
            return  # trimmed since it was read
        if not found or parse(*found[0]) != last:
            self._start_again("the log has lost entries that were read")

    async def _read(self, stop: asyncio.Event) -> None:
        """Read until the server is silent for a moment."""
        while not stop.is_set():
            reply: Any = await self.redis.xread(
                {self.stream: entry_id(self.seq)}, count=self.read_count, block=BLOCK_MS
            )
            self.health.turn()
            raw = reply[0][1] if reply else []
            for identifier, fields in raw:
                if not self._take(parse(identifier, fields)):
                    return
            if len(raw) < self.read_count:
                self.consumer.caught_up()
                self.health.become("serving", ready=True)
            if not raw:
                return
            await asyncio.sleep(self.pause_s if len(raw) < self.read_count else 0)

    def _take(self, entry: Entry) -> bool:
        """Hand one entry on; False when the feed has to start again."""
        last = self._last
        if last is not None and entry.seq != last.seq + 1 and not self.over_holes:
            self._start_again(f"entries {last.seq + 1} to {entry.seq - 1} were trimmed before they were read")
            return False
        self._last = entry
        try:
            decoded = self.decode(entry)
        except ContractError as error:
            _log.error("an entry is passed over", stream=self.stream, id=entry_id(entry.seq), error=str(error))
        else:
            self.consumer.take(entry, decoded)
        return True

    def _start_again(self, reason: str) -> None:
        _log.error("reading the stream from its beginning again", stream=self.stream, reason=reason)
        self.health.become("reading the stream again")
        self._last = None
        self.consumer.reset(reason)


class Feed(StreamFeed[Opportunity]):
    """The feed of opportunities."""

    def __init__(self, redis: Redis, stream: str, consumer: Consumer[Opportunity], health: Health) -> None:
        super().__init__(redis, stream, document(Kind.OPPORTUNITY, Opportunity), consumer, health)


def parse(identifier: bytes, fields: dict[bytes, bytes]) -> Entry:
    """The entry, or for one that is not ours a dead letter in its place, so that the cursor can pass it."""
    try:
        return from_fields(identifier, fields)
    except ContractError as error:
        return Entry(sequence(identifier), Kind.DEAD_LETTER, str(error).encode())
