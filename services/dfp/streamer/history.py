"""The latest messages, so that a client that was away for a moment resumes without a question to Redis."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from dfp.streamer.filters import Change

KEPT = 10_000
"""Messages of about 1 kB: ten minutes at 16 revisions a second for some 10 MB."""

KEPT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One message of the stream, and what filters have to know of it."""

    seq: int
    message: bytes
    change: Change


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive messages, in order.

    Attributes:
        last: sequence number up to which they tell everything.
    """

    last: int
    items: Sequence[Item]


class History:
    """The end of the stream, encoded.

    Args:
        kept: messages that stay at least, unless they are larger than `kept_bytes`; twice as many of either are held at
            most.
    """

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self.kept = kept
        self.kept_bytes = kept_bytes
        self.size = 0
        """Bytes of all messages."""
        self._seqs: list[int] = []
        self._items: list[Item] = []
        self._start = 0

    def __len__(self) -> int:
        return len(self._seqs)

    def append(self, item: Item) -> None:
        """Add the next message of the stream."""
        if not self._seqs:
            self._start = item.seq - 1
        self._seqs.append(item.seq)
        self._items.append(item)
        self.size += len(item.message)
        if len(self._seqs) > 2 * self.kept or self.size > 2 * self.kept_bytes:
            self._cut()

    def after(self, seq: int, count: int, size: int) -> Chunk | None:
        """At most `count` messages of about `size` bytes that follow `seq`; None when some are no longer here."""
        if not self._seqs or seq < self._start:
            return None
        first = bisect.bisect_right(self._seqs, seq)
        items = take(self._items[first : first + count], size)
        return Chunk(items[-1].seq if items else seq, items)

    def _cut(self) -> None:
        first = max(0, len(self._items) - self.kept)
        size = sum(len(item.message) for item in self._items[first:])
        while size > self.kept_bytes and first < len(self._items) - 1:
            size -= len(self._items[first].message)
            first += 1
        if first:
            self._start = self._seqs[first - 1]
        del self._seqs[:first]
        del self._items[:first]
        self.size = size


def take(items: Sequence[Item], size: int) -> Sequence[Item]:
    """The first items, of `size` bytes together at most; one at least."""
    total = 0
    for at, item in enumerate(items):
        total += len(item.message) + 1
        if total > size and at:
            return items[:at]
    return items
