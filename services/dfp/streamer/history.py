"""The latest messages, so that a client that was away for a moment resumes without a question to Redis."""

import bisect
from dataclasses import dataclass

KEPT = 10_000
"""Messages of about 1 kB: ten minutes at 16 revisions a second for some 10 MB."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive messages.

    Attributes:
        last: sequence number up to which they tell everything.
        messages: (sequence number, encoded message), in order.
    """

    last: int
    messages: list[tuple[int, bytes]]


class History:
    """The end of the stream, encoded.

    Args:
        kept: messages that stay at least; twice as many are held at most.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self._seqs: list[int] = []
        self._messages: list[bytes] = []
        self._start = 0

    def append(self, seq: int, message: bytes) -> None:
        """Add the next message of the stream."""
        if not self._seqs:
            self._start = seq - 1
        self._seqs.append(seq)
        self._messages.append(message)
        if len(self._seqs) > 2 * self.kept:
            self._start = self._seqs[-self.kept - 1]
            del self._seqs[: -self.kept]
            del self._messages[: -self.kept]

    def after(self, seq: int, count: int) -> Chunk | None:
        """At most `count` messages that follow `seq`; None when some of them are no longer here."""
        if not self._seqs or seq < self._start:
            return None
        first = bisect.bisect_right(self._seqs, seq)
        seqs = self._seqs[first : first + count]
        messages = list(zip(seqs, self._messages[first : first + count], strict=True))
        return Chunk(seqs[-1] if seqs else seq, messages)
