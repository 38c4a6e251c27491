"""One client as the hub sees it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from dfp.contracts.errors import ContractError
from dfp.streamer.filters import Filter, Traits
from dfp.streamer.history import Chunk


class Gone(Exception):
    """The client is no longer there."""


class Client(Protocol):
    """One connection.

    Attributes:
        seq: sequence number up to which the client knows everything that passes its filter. While it takes part in the
            broadcasts that is the hub's `told`.
        alerts: the same for alerts, in the count of `Alerts`.
        timeline: of the hub, when the client was last told what is true.
        wanted: the filter that holds.
    """

    seq: int
    alerts: int
    timeline: int
    wanted: Filter

    def tell(self, frame: bytes) -> None:
        """Send without waiting. A client for which too much waits then leaves the broadcasts by itself."""

    async def give(self, parts: Iterable[bytes]) -> None:
        """Send one long frame in pieces, each when the client has taken enough of those before.

        Raises:
            Gone: it left, or was closed for being too slow.
        """

    async def drained(self) -> None:
        """Wait until little is waiting for the client.

        Raises:
            Gone: it left, or was closed for being too slow.
        """

    def requests(self) -> Sequence[Filter | ContractError]:
        """What the client has sent since the last call: the filter that it asks for, if any, and mistakes."""

    def wake(self) -> None:
        """Leave the broadcasts and the waiting, and be brought up to date."""


class Backlog(Protocol):
    """What the hub asks the log for, beyond its own memory."""

    async def last(self) -> int:
        """The newest sequence number of the stream."""

    async def after(self, seq: int, count: int, known: dict[str, Traits]) -> Chunk | None:
        """Messages that follow `seq`, None when some of them were trimmed.

        Args:
            known: opportunity id -> its latest revision in what was read so far; it goes on from there.
        """
