"""Reading a stream from a cursor; the check seq = previous + 1 finds a trim, a lost suffix and a duplicate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from dfp.contracts.entry import Entry, from_fields
from dfp.contracts.entry import entry_id as id_of
from dfp.log.connection import BLOCK_MS


class Hole(Exception):
    """Entries are missing between the cursor and the next entry: they were trimmed before this reader saw them."""

    def __init__(self, stream: str, expected: int, found: int) -> None:
        self.stream = stream
        self.expected = expected
        self.found = found
        super().__init__(f"{stream}: entries {expected} to {found - 1} are missing")


class Reader:
    """Reads several streams, each from its own cursor.

    Args:
        cursor: full stream name -> sequence number after which to read.
        count: entries of each stream at most in one read.
    """

    def __init__(self, redis: Redis, cursor: Mapping[str, int], count: int = 64) -> None:
        self.redis = redis
        self.cursor = dict(cursor)
        self.count = count

    async def read(self, block_ms: int = BLOCK_MS) -> dict[str, list[Entry]]:
        """What is there now, else what arrives within `block_ms`; empty when nothing does. Moves the cursor.

        Raises:
            Hole: see there; the cursor has not moved.
            ContractError: an entry that is not ours.
        """
        return await self._read_streams(self.cursor, block_ms)

    async def _read_streams(self, streams: Iterable[str], block_ms: int | None) -> dict[str, list[Entry]]:
        after: dict[Any, Any] = {stream: id_of(self.cursor[stream]) for stream in streams}
        reply: Any = await self.redis.xread(after, count=self.count, block=block_ms)
        read: dict[str, list[Entry]] = {}
        for name, raw in reply or ():
            stream = name.decode()
            read[stream] = contiguous(stream, self.cursor[stream], raw)
        for stream, entries in read.items():
            self.cursor[stream] = entries[-1].seq
        return read


def contiguous(stream: str, after: int, raw: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Entry]:
    """Decode entries that must follow number `after` without a hole.

    Raises:
        Hole: they do not.
        ContractError: an entry that is not ours.
    """
    entries = [from_fields(entry_id, fields) for entry_id, fields in raw]
    for expected, entry in enumerate(entries, after + 1):
        if entry.seq != expected:
            raise Hole(stream, expected, entry.seq)
    return entries
