"""Who is told what: brings each client up to date and keeps it there.

A client that is up to date is told each entry as it is read from the log. One that has just come is first given what it
lacks, from memory or from Redis and at its own pace, and joins the others at the very entry where it has caught up; as
nothing is awaited in between, it misses none and gets none twice.
"""

from collections.abc import Callable
from typing import Protocol

from dfp.api.store import Store
from dfp.contracts.entry import Entry, entry_id, sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.streamer import messages
from dfp.streamer.history import Chunk, History

CHUNK = 256
"""Messages given to a client before others have their turn."""


class Gone(Exception):
    """The client is no longer there."""


class Client(Protocol):
    """One connection, as the hub sees it.

    Attributes:
        seq: sequence number up to which the client knows everything.
    """

    seq: int

    def tell(self, message: bytes) -> None:
        """Send without waiting. A client with too much waiting for it is closed instead."""

    async def drained(self) -> None:
        """Wait until little is waiting for the client.

        Raises:
            Gone: it left, or was closed for being too slow.
        """


class Backlog(Protocol):
    """What the hub asks the log for, beyond its own memory."""

    async def last(self) -> int:
        """The newest sequence number of the stream."""

    async def after(self, seq: int, count: int) -> Chunk | None:
        """Messages that follow `seq`, None when some of them were trimmed."""


class Hub:
    """All clients; a consumer of `dfp.api.feed.Feed`.

    Args:
        now: wall clock, UTC nanoseconds; stamps the last hop.
    """

    def __init__(self, backlog: Backlog, now: Callable[[], int], history_kept: int | None = None) -> None:
        self.backlog = backlog
        self.now = now
        self.store = Store()
        self._history = History() if history_kept is None else History(history_kept)
        self._live: set[Client] = set()
        self._waiting: set[Client] = set()
        self._timeline = 0
        self._lost = ""
        self._snapshot: tuple[int, bytes] | None = None

    @property
    def ready(self) -> bool:
        """Whether clients can be admitted: memory holds what the log does."""
        return self.store.complete

    def take(self, entry: Entry, opportunity: Opportunity) -> None:
        """Tell everyone the next entry."""
        self.store.take(entry, opportunity)
        message = messages.opportunity(entry.seq, entry.payload, {**entry.meta.hops, "push": self.now()})
        self._history.append(entry.seq, message)
        for client in tuple(self._live):
            _tell(client, entry.seq, message)

    def reset(self, reason: str) -> None:
        """The log is not what clients were told; they wait until it has been read again."""
        self.store.reset(reason)
        self._history = History(self._history.kept)
        self._snapshot = None
        self._timeline += 1
        self._lost = reason
        self._waiting |= self._live
        self._live.clear()

    def caught_up(self) -> None:
        """The log has been read to its end: retract what was lost, tell what is true."""
        self.store.caught_up()
        for client in tuple(self._waiting):
            client.tell(messages.resync(self.store.seq, self._lost))
            self._give_snapshot(client)
        self._live |= self._waiting
        self._waiting.clear()

    def heartbeat(self) -> None:
        """Tell everyone who is up to date that we are here."""
        message = messages.heartbeat(self.store.seq)
        for client in tuple(self._live):
            if client.seq <= self.store.seq:
                client.tell(message)

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._live.discard(client)
        self._waiting.discard(client)

    async def admit(self, client: Client, last_id: str | None) -> None:
        """Bring a new client up to date and let it join.

        Args:
            last_id: the last id that it knows, None for a snapshot.

        Raises:
            Gone: the client left meanwhile.
            What `Backlog` raises when the log cannot be reached.
        """
        timeline = self._timeline
        refused = None
        if last_id is not None:
            client.seq, refused = await self._start(last_id)
        if timeline == self._timeline and (last_id is None or refused is not None):
            self._give_snapshot(client, refused)
        while True:
            await client.drained()
            if timeline != self._timeline:
                self._waiting.add(client)
                if self.ready:
                    self.caught_up()
                return
            if client.seq >= self.store.seq:
                self._live.add(client)
                return
            chunk = self._history.after(client.seq, CHUNK) or await self.backlog.after(client.seq, CHUNK)
            if timeline != self._timeline:
                continue
            if chunk is None:
                self._give_snapshot(client, f"entries after {entry_id(client.seq)} are no longer kept")
                continue
            for seq, message in chunk.messages:
                _tell(client, seq, message)
            client.seq = chunk.last

    async def _start(self, last_id: str) -> tuple[int, str | None]:
        """Where to resume, or 0 and why that is not possible."""
        try:
            seq = sequence(last_id)
        except ContractError as error:
            return 0, str(error)
        # Another streamer may be ahead of this one, and a client that comes from there knows more than we do.
        newest = self.store.seq if seq <= self.store.seq else await self.backlog.last()
        if seq > newest:
            return 0, f"last_id {entry_id(seq)} is unknown: the log ends at {entry_id(newest)}"
        return seq, None

    def _give_snapshot(self, client: Client, reason: str | None = None) -> None:
        seq = self.store.seq
        if self._snapshot is None or self._snapshot[0] != seq:
            self._snapshot = (seq, messages.snapshot(seq, self._open()))
        client.tell(self._snapshot[1] if reason is None else messages.snapshot(seq, self._open(), reason))
        client.seq = seq

    def _open(self) -> list[bytes]:
        return [revision.payload for revision in self.store.open()]


def _tell(client: Client, seq: int, message: bytes) -> None:
    if seq > client.seq:
        client.tell(message)
        client.seq = seq
