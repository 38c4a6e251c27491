"""The aggregator's pure core: signals and the log's clock in, revisions of opportunities out.

Signals and features are two streams, and how they interleave is an accident. So the state is the set of latest
unexpired signals, confidence is evaluated at the as-of of the signals and not when they happened to be read, and each
revision carries the cursor of both inputs: a replay merges in that order and gets the same bytes.

The state is small and changes little, so it rides in the commits, one field a symbol, and recovery needs no re-run.
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from dfp.aggregator import episode
from dfp.aggregator.views import Views
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.contracts.opportunity import CloseReason, Opportunity, State
from dfp.contracts.signal import Signal
from dfp.log.work import Work, Write
from dfp.market import symbols

STAGE = "aggregator"

INPUT_FIELD = "@input"
"""State field of the clock and the cursors. No symbol can have this name."""

D = TypeVar("D", Signal, Clock)


class _Input(msgspec.Struct, frozen=True):
    clock: Clock | None
    cursor: dict[str, int]


class _SavedBook(msgspec.Struct, frozen=True):
    views: list[Signal]
    live: Opportunity | None


class _Book:
    """What is known of one symbol: the strategies' views, and the live opportunity if there is one."""

    __slots__ = ("due", "live", "views")

    def __init__(self, views: Views, live: Opportunity | None) -> None:
        self.views = views
        self.live = live
        self.due: int | None = None
        """Event time from which a clock entry may change something here."""

    @property
    def session(self) -> int:
        """The trading day that the book is about."""
        sessions = [signal.session for signal in self.views.signals()]
        return max([*sessions, self.live.session] if self.live else sessions, default=0)

    def evaluation_time(self) -> int:
        """Event time of the newest thing that is known here; no evaluation goes behind it."""
        return max(self.views.as_of(), self.live.as_of if self.live else 0)


class AggregatorCore:
    """Implements `dfp.log.work.Core` over two inputs: `names.signals` and `names.features`.

    Of the features it uses the clock entries only: expiry, decay and the end of the session follow the log's clock.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._books: dict[str, _Book] = {}
        self._clock: Clock | None = None
        self._cursor: dict[str, int] = {}
        self._schedule: list[tuple[int, str]] = []

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """Take entries of one input in order; see `dfp.log.work.Core`."""
        for entry in entries:
            self._cursor[stream] = entry.seq
            try:
                if stream == self.names.signals:
                    self._on_signal(_signal_in(entry), entry, work)
                elif entry.kind is Kind.CLOCK:
                    self._on_clock(_storable(codec.decode(entry.payload, Clock)), entry, work)
            except ContractError as error:
                self._refuse(f"bad-{entry.kind}", error, entry, work)
        if entries:
            work.state[INPUT_FIELD] = msgspec.msgpack.encode(_Input(self._clock, self._cursor))

    def save(self) -> bytes:
        """The whole state."""
        fields = {symbol: _encode(book) for symbol, book in sorted(self._books.items())}
        if self._cursor:
            fields[INPUT_FIELD] = msgspec.msgpack.encode(_Input(self._clock, self._cursor))
        return msgspec.msgpack.encode(fields)

    def load(self, state: bytes) -> None:
        """Replace the state by what `save` gave; see `dfp.log.work.Core`."""
        try:
            fields = msgspec.msgpack.decode(state, type=dict[str, bytes]) if state else {}
        except msgspec.MsgspecError as error:
            raise ContractError("aggregator state", state[:64], str(error)) from None
        self.load_state(fields)

    def load_state(self, fields: Mapping[str, bytes]) -> None:
        """Replace the state by the fields that commits left: `Work.state` of all of them, laid over each other.

        Raises:
            ContractError: a field was written by another version.
        """
        try:
            kept = {name: value for name, value in fields.items() if name != INPUT_FIELD}
            books = {symbol: _decode(value) for symbol, value in kept.items()}
            last = _Input(None, {})
            if INPUT_FIELD in fields:
                last = msgspec.msgpack.decode(fields[INPUT_FIELD], type=_Input)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("aggregator state", dict(fields), str(error)) from None
        self._books = books
        self._clock = last.clock
        self._cursor = dict(last.cursor)
        self._schedule = []
        for symbol, book in books.items():
            self._check_at(symbol, book, 0)  # a check that comes too early finds nothing to do

    def _on_signal(self, signal: Signal, entry: Entry, work: Work) -> None:
        book = self._books.get(signal.symbol)
        if self._has_ended(signal.session) or (book is not None and signal.session < book.session):
            work.count("late")
            return
        if book is None:
            book = self._books[signal.symbol] = _Book(Views(), None)
        elif signal.session > book.session:
            # Signals may run ahead of the clock entry that ends their previous session.
            self._end_session(signal.symbol, book, max(signal.as_of, book.evaluation_time()), entry, work)
            self._books[signal.symbol] = book
        if book.views.supersedes(signal):
            work.count("superseded")
            return
        at = max(signal.as_of, book.evaluation_time())
        if signal.expires <= max(at, self._clock.time if self._clock else 0):
            work.count("late")
            # It has replaced what the strategy said before, even though nobody may act on it any more.
            book.views.withdraw(signal.strategy)
        else:
            work.count("signals")
            book.views.put(signal)
        book.views.expire(at)
        now = episode.standing(book.views, at)
        self._advance(book, now, entry, work)
        if book.live is None:
            self._publish(book, episode.open_episode(now, signal), entry, work)
        self._keep(signal.symbol, book, now, work)

    def _on_clock(self, clock: Clock, entry: Entry, work: Work) -> None:
        self._clock, previous = clock, self._clock
        if clock.end or (previous is not None and previous.session != clock.session):
            for symbol, book in sorted(self._books.items()):
                if self._has_ended(book.session):
                    self._end_session(symbol, book, max(clock.time, book.evaluation_time()), entry, work)
        for symbol in self._due(clock.time):
            book = self._books[symbol]
            at = max(clock.time, book.evaluation_time())
            expired = book.views.expire(at)
            now = episode.standing(book.views, at)
            if self._advance(book, now, entry, work) or expired:
                self._keep(symbol, book, now, work)
            else:
                self._check_at(symbol, book, _due(book, now))

    def _has_ended(self, session: int) -> bool:
        clock = self._clock
        return clock is not None and (session < clock.session or (clock.end and session == clock.session))

    def _end_session(self, symbol: str, book: _Book, at: int, entry: Entry, work: Work) -> None:
        """Close what is live and forget the day's views."""
        book.views.expire(at)
        if book.live is not None:
            now = episode.standing(book.views, at)
            self._publish(book, episode.close(book.live, now, CloseReason.SESSION_END), entry, work)
        book.views = Views()
        work.state[symbol] = None
        del self._books[symbol]

    def _advance(self, book: _Book, now: episode.Standing, entry: Entry, work: Work) -> bool:
        return book.live is not None and self._publish(book, episode.advance(book.live, now), entry, work)

    def _publish(self, book: _Book, revision: Opportunity | None, entry: Entry, work: Work) -> bool:
        if revision is None:
            return False
        work.writes.append(
            Write(
                self.names.opportunities,
                Kind.OPPORTUNITY,
                codec.encode(revision),
                meta=Meta(entry.meta.hops, dict(self._cursor)),
                channel=self.names.opportunities_channel,
            )
        )
        work.count("revisions")
        if revision.rev == 1:
            work.count("opportunities")
        if revision.state is State.CLOSED:
            work.count(f"closed/{revision.closed}")
        book.live = None if revision.state is State.CLOSED else revision
        return True

    def _keep(self, symbol: str, book: _Book, now: episode.Standing, work: Work) -> None:
        """Let a changed book ride in the commit, and say when it is to be looked at again."""
        if not book.views and book.live is None:
            self._books.pop(symbol, None)
            work.state[symbol] = None
            return
        work.state[symbol] = _encode(book)
        self._check_at(symbol, book, _due(book, now))

    def _check_at(self, symbol: str, book: _Book, due: int | None) -> None:
        book.due = due
        if due is not None:
            heapq.heappush(self._schedule, (due, symbol))

    def _due(self, time: int) -> list[str]:
        """Symbols that are due at event time `time`, sorted, each once."""
        found = set()
        while self._schedule and self._schedule[0][0] <= time:
            due, symbol = heapq.heappop(self._schedule)
            book = self._books.get(symbol)
            if book is not None and book.due == due:
                found.add(symbol)
        return sorted(found)

    def _refuse(self, reason: str, error: ContractError, entry: Entry, work: Work) -> None:
        letter = dead_letter(STAGE, reason, str(error), entry.payload)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter), meta=entry.meta))
        work.count(f"rejected/{reason}")


def _signal_in(entry: Entry) -> Signal:
    if entry.kind is not Kind.SIGNAL:
        raise ContractError("entry.k", entry.kind, Kind.SIGNAL)
    signal = _storable(codec.decode(entry.payload, Signal))
    if not _is_symbol(signal.symbol):
        raise ContractError("Signal.symbol", signal.symbol, symbols.ALLOWED)
    if not 0 <= signal.as_of <= signal.expires:
        raise ContractError("Signal.expires", signal.expires, f"a time from as_of = {signal.as_of} on, in nanoseconds")
    if signal.horizon_ns <= 0:
        raise ContractError("Signal.horizon_ns", signal.horizon_ns, "a positive number of nanoseconds")
    return signal


def _is_symbol(text: str) -> bool:
    try:
        return symbols.normalize(text) == text
    except symbols.SymbolError:
        return False


def _storable(document: D) -> D:
    """The document, if the state can hold it: JSON has integers that msgpack has not."""
    try:
        msgspec.msgpack.encode(document)
    except OverflowError as error:
        raise ContractError(type(document).__name__, document, str(error)) from None
    return document


def _due(book: _Book, now: episode.Standing) -> int | None:
    due = [] if book.live is None else [episode.next_check(book.live, now)]
    expiry = book.views.next_expiry()
    return min(due if expiry is None else [*due, expiry], default=None)


def _encode(book: _Book) -> bytes:
    return msgspec.msgpack.encode(_SavedBook(book.views.signals(), book.live))


def _decode(state: bytes) -> _Book:
    saved = msgspec.msgpack.decode(state, type=_SavedBook)
    return _Book(Views(saved.views), saved.live)
