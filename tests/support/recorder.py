"""A client of the hub that remembers, and a pipeline for it; shared by the tests of the hub."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity, State
from dfp.streamer import messages
from dfp.streamer.backlog import follow
from dfp.streamer.client import Gone
from dfp.streamer.filters import EVERYTHING, Filter, Traits
from dfp.streamer.history import Chunk, History, Item
from dfp.streamer.hub import Hub
from revisions import entry, revision


class Recorder:
    """A client; `patience` steps pass before it has taken what it was told."""

    def __init__(self, hub: Hub | None = None, wanted: Filter = EVERYTHING, patience: int = 0) -> None:
        self.hub = hub
        self.wanted = wanted
        self.patience = patience
        self.seq = self.alerts = self.timeline = 0
        self.frames: list[list[dict[str, Any]]] = []
        self.sent: list[Filter | ContractError] = []
        self.gone = False
        self.task: asyncio.Task[None] | None = None

    def tell(self, frame: bytes) -> None:
        assert frame
        self.frames.append([json.loads(line) for line in frame.split(b"\n")])

    async def give(self, parts: Iterable[bytes]) -> None:
        self.tell(b"".join(parts))
        await asyncio.sleep(0)

    async def drained(self) -> None:
        for _ in range(self.patience + 1):
            await asyncio.sleep(0)
        if self.gone:
            raise Gone

    def requests(self) -> Sequence[Filter | ContractError]:
        found, self.sent = self.sent, []
        return found

    def wake(self) -> None:
        if self.task is None:
            assert self.hub is not None
            self.hub.leave(self)
            self.task = asyncio.create_task(self._bring(self.hub))

    async def _bring(self, hub: Hub) -> None:
        try:
            await hub.bring(self)
        finally:
            self.task = None

    async def settled(self) -> None:
        """Wait until it takes part, waits for the log, or is gone."""
        while self.task is not None:
            await asyncio.sleep(0)

    @property
    def told(self) -> list[dict[str, Any]]:
        """All messages."""
        return [message for frame in self.frames for message in frame]

    def seqs(self) -> list[int]:
        """Sequence numbers of the revisions it was told."""
        return [int(message["id"][2:]) for message in self.told if message["type"] == "opportunity"]

    def types(self) -> list[str]:
        return [message["type"] for message in self.told]


class Log:
    """A stream in memory, as the backlog sees it; a step passes before it answers."""

    def __init__(self) -> None:
        self.entries: dict[int, Opportunity] = {}
        self.during_read: Callable[[], None] = lambda: None

    async def last(self) -> int:
        await asyncio.sleep(0)
        return max(self.entries, default=0)

    async def after(self, seq: int, count: int, known: dict[str, Traits]) -> Chunk | None:
        await asyncio.sleep(0)
        if seq + 1 not in self.entries:
            return None
        found = [at for at in sorted(self.entries) if at > seq][:count]
        items = [Item(at, message(at, self.entries[at]), follow(self.entries[at], known)) for at in found]
        self.during_read()
        return Chunk(found[-1], items)


def message(seq: int, opportunity: Opportunity) -> bytes:
    return messages.opportunity(seq, entry(seq, opportunity).payload, {})


class Pipeline:
    """A log, and a hub that follows it; unless `hold`, each entry is broadcast at once."""

    def __init__(self, history_kept: int = 100) -> None:
        self.log = Log()
        self.hold = False
        self.hub = Hub(self.log, lambda: 42, self._wake, history=History(history_kept))

    def _wake(self) -> None:
        if not self.hold:
            self.hub.flush()

    def take(self, made: Opportunity) -> None:
        """The next entry of the log."""
        seq = max(self.log.entries, default=0) + 1
        self.log.entries[seq] = made
        self.hub.take(entry(seq, made), made)

    def publish(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            identifier = fields.get("identifier", f"id-{max(self.log.entries, default=0) + 1}")
            self.take(revision(identifier, fields.get("rev", 1), state=fields.get("state", State.TRACKING)))

    def start(self, count: int = 0) -> "Pipeline":
        self.publish(count)
        self.hub.caught_up()
        return self

    async def client(self, last_id: str | None = None, wanted: Filter = EVERYTHING, patience: int = 0) -> Recorder:
        """A client that was admitted."""
        client = Recorder(self.hub, wanted, patience)
        await self.hub.admit(client, last_id)
        return client
