"""Who is told what: brings each client up to date and keeps it there.

Clients that are up to date form groups of equal filters, and a broadcast joins the bytes of a frame once a group. They
know everything up to `told`. A client that has just come, asks for another filter or does not take what it is sent is
behind: it is in no group and is given what it lacks from memory or from Redis, at its own pace, until it has reached
`told`. Then it joins; as nothing is awaited in between, it misses no entry and gets none twice.
"""

import itertools
from collections.abc import Callable, Sequence

from dfp.api.store import Store
from dfp.contracts.entry import Entry, entry_id, sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.streamer import messages
from dfp.streamer.alerts import Alerts
from dfp.streamer.client import Backlog, Client
from dfp.streamer.filters import Change, Filter, Traits, traits
from dfp.streamer.history import Chunk, History, Item, take

FRAME_BYTES = 64 * 1024
"""About the size of a frame at most; a larger message is a frame of its own."""

CHUNK = 256
"""Messages given to a client that is behind before others have their turn."""


class Hub:
    """All clients; a consumer of `dfp.api.feed.Feed`.

    Args:
        now: wall clock, UTC nanoseconds; stamps the last hop.
        wake: called when there is something to send; `flush` is then called in time.
        delayed: told of each revision how long it took from the aggregator to its broadcast, in seconds.
    """

    def __init__(
        self,
        backlog: Backlog,
        now: Callable[[], int],
        wake: Callable[[], None],
        delayed: Callable[[float], None] = lambda seconds: None,
        history: History | None = None,
    ) -> None:
        self.backlog = backlog
        self.now = now
        self.wake = wake
        self.delayed = delayed
        self.store = Store()
        self.history = History() if history is None else history
        self.alerts = Alerts()
        self.told = 0
        """Sequence number up to which the groups were told everything."""
        self.timeline = 0
        """Grows when the log was replaced: what clients were told before is void."""
        self._pending: list[tuple[Entry, Change]] = []
        self._beat = False
        self._groups: dict[Filter, set[Client]] = {}
        self._ahead: set[Client] = set()
        self._waiting: set[Client] = set()
        self._lost = ""

    @property
    def ready(self) -> bool:
        """Whether clients can be admitted: memory holds what the log does."""
        return self.store.complete

    def take(self, entry: Entry, opportunity: Opportunity) -> None:
        """Take the next entry; everyone is told with the next broadcast."""
        held = self.store.get(opportunity.id)
        before = None if held is None else traits(held.opportunity)
        self.store.take(entry, opportunity)
        self._pending.append((entry, Change(traits(opportunity), before, first=opportunity.rev == 1)))
        self.wake()

    def take_alert(self, seq: int, payload: bytes) -> None:
        """Take the next risk alert."""
        self.alerts.append(messages.alert(seq, payload))
        self.wake()

    def heartbeat(self) -> None:
        """Tell everyone who is up to date that we are here."""
        self._beat = True
        self.wake()

    def flush(self) -> None:
        """Broadcast what has come since the last time."""
        now = self.now()
        items: Sequence[Item] = [
            Item(entry.seq, messages.opportunity(entry.seq, entry.payload, {**entry.meta.hops, "push": now}), change)
            for entry, change in self._pending
        ]
        if self.ready:
            for entry, _ in self._pending:
                self.delayed((now - entry.meta.hops.get("opportunity", now)) / 1e9)
        self._pending = []
        while len(run := take(items, FRAME_BYTES)) < len(items):
            self._broadcast(run, [], [])
            items = items[len(run) :]
        beat = [messages.heartbeat(items[-1].seq if items else self.told)] if self._beat else []
        self._beat = False
        self._broadcast(items, self.alerts.tell(), beat)

    def reset(self, reason: str) -> None:
        """The log is not what clients were told; they wait until it has been read again."""
        self.store.reset(reason)
        self.history = History(self.history.kept, self.history.kept_bytes)
        self._pending = []
        self.told = 0
        self.timeline += 1
        self._lost = reason
        self._waiting |= self._ahead.union(*self._groups.values())
        self._ahead.clear()
        self._groups.clear()

    def caught_up(self) -> None:
        """The log has been read to its end: clients that wait may go on."""
        self.store.caught_up()
        for client in tuple(self._waiting):
            client.wake()

    def leave(self, client: Client) -> None:
        """Take a client out of the broadcasts."""
        group = self._groups.get(client.wanted)
        if group is not None and client in group:
            client.seq, client.alerts = self.told, self.alerts.told
            group.remove(client)
            if not group:
                del self._groups[client.wanted]
        self._ahead.discard(client)
        self._waiting.discard(client)

    async def admit(self, client: Client, last_id: str | None) -> None:
        """Bring a new client up to date.

        Args:
            last_id: the last id that it knows, None for a snapshot.

        Raises:
            Gone: the client left meanwhile.
            What `Backlog` raises when the log cannot be reached.
        """
        client.timeline, client.alerts = self.timeline, self.alerts.told
        client.seq, refused = (0, None) if last_id is None else await self._start(last_id)
        if client.timeline == self.timeline and (last_id is None or refused is not None):
            await self._snapshot(client, [], refused)
        await self.bring(client)

    async def bring(self, client: Client) -> None:
        """Give a client what it lacks, until it joins the broadcasts or has to wait for the log.

        Raises:
            Gone: the client left meanwhile.
            What `Backlog` raises when the log cannot be reached.
        """
        known: dict[str, Traits] = {}
        while True:
            await client.drained()
            if client.timeline != self.timeline and not self.ready:
                self._waiting.add(client)
                return
            requests = client.requests()
            for request in requests:
                if isinstance(request, ContractError):
                    client.tell(messages.error(client.seq, request))
            asked = next((request for request in requests if isinstance(request, Filter)), None)
            if asked is not None or client.timeline != self.timeline:
                head = [messages.resync(self.store.seq, self._lost)] if client.timeline != self.timeline else []
                if asked is not None:
                    client.alerts = client.alerts if client.wanted.alerts else self.alerts.told
                    client.wanted = asked
                    head.append(messages.subscribed(self.store.seq, asked))
                await self._snapshot(client, head)
            elif client.wanted.alerts and (missed := self.alerts.after(client.alerts)):
                client.tell(messages.frame(missed))
                client.alerts = self.alerts.told
            elif requests:
                continue  # the client may have to drain, or to go
            elif client.seq >= self.told:
                self._join(client)
                return
            else:
                await self._give_chunk(client, known)

    def _broadcast(self, run: Sequence[Item], alerts: list[bytes], beat: list[bytes]) -> None:
        for item in run:
            self.history.append(item)
        if run:
            self.told = run[-1].seq
        for wanted, group in tuple(self._groups.items()):
            lines = [item.message for item in run if wanted.tells(item.change)]
            lines += alerts if wanted.alerts else []
            lines += beat
            if lines:
                frame = messages.frame(lines)
                for client in tuple(group):
                    client.tell(frame)
        for client in tuple(self._ahead):
            if client.seq <= self.told:
                client.wake()  # it goes on like one that is behind, and joins

    def _join(self, client: Client) -> None:
        if client.seq > self.told:
            self._ahead.add(client)  # its snapshot, or another streamer, knew more than was broadcast here
        else:
            self._groups.setdefault(client.wanted, set()).add(client)

    async def _give_chunk(self, client: Client, known: dict[str, Traits]) -> None:
        timeline = self.timeline
        chunk: Chunk | None = self.history.after(client.seq, CHUNK, FRAME_BYTES)
        if chunk is None:
            chunk = await self.backlog.after(client.seq, CHUNK, known)
        if timeline != self.timeline:
            return
        if chunk is None:
            await self._snapshot(client, [], f"entries after {entry_id(client.seq)} are no longer kept")
            return
        lines = [item.message for item in chunk.items if client.wanted.tells(item.change)]
        if lines:
            client.tell(messages.frame(lines))
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

    async def _snapshot(self, client: Client, head: Sequence[bytes], reason: str | None = None) -> None:
        """Give all that is open, after other messages in the same frame, so that no client sees one without the other.

        The pieces are the log's own payloads, which all clients and the store share: one that takes its time to read a
        snapshot holds a list of references.
        """
        seq, wanted = self.store.seq, client.wanted
        restricts = wanted.restricts
        payloads = [
            found.payload for found in self.store.open() if not restricts or wanted.passes(traits(found.opportunity))
        ]
        client.seq, client.timeline = seq, self.timeline
        await client.give(itertools.chain((line + b"\n" for line in head), messages.snapshot(seq, payloads, reason)))
