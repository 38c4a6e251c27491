"""The newest documents of a stream, in memory: a bounded number, each with what filters ask for.

What filters do not ask for stays encoded: 15,000 signals take some 15 MB so, and three times as much decoded.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from dfp.contracts.entry import Entry

D = TypeVar("D")
K = TypeVar("K")


class Item(NamedTuple, Generic[K]):
    """A document as it lies in the stream; `payload` is its canonical JSON, which is what clients get."""

    seq: int
    key: K
    payload: bytes


@dataclass(slots=True)
class Size:
    """How much a store holds, and how much it may hold at most."""

    items: int
    limit: int


class Recent(Generic[D, K]):
    """A consumer of `dfp.api.feed.StreamFeed`.

    Args:
        kept: how many documents are remembered; the oldest go first.
        key: what of a document the filters ask for.
    """

    def __init__(self, kept: int, key: Callable[[D], K]) -> None:
        self.complete = False
        """Everything that the stream held was taken once; before, an answer would be a part that looks whole."""
        self._key = key
        self._items: deque[Item[K]] = deque(maxlen=kept)
        self._kept = kept

    def take(self, entry: Entry, document: D, /) -> None:
        """Take the next document."""
        self._items.append(Item(entry.seq, self._key(document), entry.payload))

    def caught_up(self) -> None:
        """The end of the stream was reached."""
        self.complete = True

    def reset(self, reason: str) -> None:
        """Forget everything: the stream has changed."""
        self.complete = False
        self._items.clear()

    def newest_first(self) -> Iterator[Item[K]]:
        """All that is remembered, the newest first."""
        return reversed(self._items)

    def size(self) -> Size:
        """How full it is."""
        return Size(len(self._items), self._kept)
