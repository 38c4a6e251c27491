"""Where a follower goes on after a lost connection, and which messages it has had already.

Pure: it is told what is sent and received, and says what to ask for. Two rules carry it. A client may resume behind the
last id as long as what it knows rests on a snapshot (or on an id that it was given) under the very filter that it asks
for; else it asks for a snapshot. And a revision counts when its id is above all ids so far; only a snapshot or a
resync, which replace or retract what the client knows, may lead back.
"""

from collections import deque

from dfp.client.filter import Filter


class Resume:
    """State of one follower over all its connections.

    Args:
        last: sequence number up to which it knows everything, None to begin with a snapshot.

    Attributes:
        held: the filter that the server goes by.
        asked: filters that were asked for since and are not answered yet, oldest first.
    """

    def __init__(self, wanted: Filter, last: int | None) -> None:
        self.held = wanted
        self.asked: deque[Filter] = deque()
        self._seen = last or 0
        self._rests = last is not None

    @property
    def last(self) -> int | None:
        """The sequence number to resume behind, None when only a snapshot will do."""
        return self._seen if self._rests else None

    def begin(self) -> None:
        """A new connection: it is made with the filter that was asked for last."""
        if self.asked:
            self.held = self.asked[-1]
            self.asked.clear()
            self._rests = False

    def ask(self, wanted: Filter) -> None:
        """Another filter is asked for."""
        self.asked.append(wanted)

    def subscribed(self, told: Filter) -> None:
        """A filter holds from here on, and a snapshot under it is to come.

        Of questions that came quickly a server answers only the last: `told` answers those before it, too.
        """
        if not self.asked:
            return
        answered = self.asked.index(told) + 1 if told in self.asked else 1
        for _ in range(answered):
            self.asked.popleft()
        self.held = told
        self._rests = False

    def refused(self) -> None:
        """The oldest question was refused; the filter is as it was."""
        if self.asked:
            self.asked.popleft()

    def snapshot(self, seq: int) -> None:
        """All that is true as of `seq`, which may be below what was told before it."""
        self._seen = seq
        self._rests = True

    def revision(self, seq: int) -> bool:
        """Whether a revision is new."""
        new = seq > self._seen
        self._seen = max(seq, self._seen)
        return new

    def heartbeat(self, seq: int) -> None:
        """Everything up to `seq` was told."""
        self._seen = max(seq, self._seen)

    def resync(self) -> None:
        """Everything is retracted until a snapshot comes."""
        self._rests = False
