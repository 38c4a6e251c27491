"""What is known of one symbol: the strategies' views, and the opportunity that is out, if there is one."""

import msgspec

from dfp.aggregator import episode
from dfp.aggregator.views import Views
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.signal import Signal


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    views: list[Signal]
    live: Opportunity | None
    kept_back: bool
    halted: bool


class Book:
    """One symbol.

    Attributes:
        live: the last revision that went out, unless that closed it.
        kept_back: a further revision may be due that was not allowed to go out.
        halted: a halt befell the live opportunity; it ends with it, as soon as it may be said.
        due: event time from which a clock entry may change something here.
    """

    __slots__ = ("due", "halted", "kept_back", "live", "views")

    def __init__(
        self, views: Views, live: Opportunity | None = None, *, kept_back: bool = False, halted: bool = False
    ) -> None:
        self.views = views
        self.live = live
        self.kept_back = kept_back
        self.halted = halted
        self.due: int | None = None

    @property
    def session(self) -> int:
        """The trading day that the book is about."""
        sessions = [signal.session for signal in self.views.signals()]
        return max([*sessions, self.live.session] if self.live else sessions, default=0)

    @property
    def empty(self) -> bool:
        """Nothing needs to be remembered."""
        return not self.views and self.live is None

    def evaluation_time(self) -> int:
        """Event time of the newest thing that is known here; no evaluation goes behind it."""
        return max(self.views.as_of(), self.live.as_of if self.live else 0)

    def next_due(self, now: episode.Standing) -> int | None:
        """Event time from which time alone may change something."""
        due = [] if self.live is None or self.kept_back else [episode.next_check(self.live, now)]
        expiry = self.views.next_expiry()
        return min(due if expiry is None else [*due, expiry], default=None)

    def encode(self) -> bytes:
        """The book, for `decode`."""
        return msgspec.msgpack.encode(_Saved(self.views.signals(), self.live, self.kept_back, self.halted))


def decode(state: bytes) -> Book:
    """A book from what `encode` gave.

    Raises:
        msgspec.MsgspecError: written by another version.
    """
    saved = msgspec.msgpack.decode(state, type=_Saved)
    return Book(Views(saved.views), saved.live, kept_back=saved.kept_back, halted=saved.halted)
