"""The aggregator's pure core: signals, verdicts and the log's clock in, revisions of opportunities out.

Signals, verdicts and features are three streams, and how they interleave is an accident. So the state is the set of
latest unexpired signals, confidence is evaluated at the as-of of the signals and not when they happened to be read, and
each revision carries the cursor of all inputs: a replay merges in that order and gets the same bytes.

The state is small and changes little, so it rides in the commits, one field a symbol, and recovery needs no re-run.
"""

import heapq
from collections.abc import Mapping, Sequence

import msgspec

from dfp.aggregator import book as books
from dfp.aggregator import episode, intake
from dfp.aggregator.book import Book
from dfp.aggregator.follow import Follow, Follows
from dfp.aggregator.publisher import Publisher
from dfp.aggregator.views import Views
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.conditions import PIPELINE, Conditions
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import NO_META, Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import decode_ticks
from dfp.contracts.names import Names
from dfp.contracts.opportunity import CloseReason, Opportunity, State
from dfp.contracts.policy import Bundle
from dfp.contracts.risk import Verdicts
from dfp.contracts.signal import Direction, Signal
from dfp.log.work import Work, Write
from dfp.market import symbols
from dfp.risk.concentration import SectorOf

STAGE = "aggregator"

INPUT_FIELD = "@input"
"""State field of the clock and the cursors. No symbol can have this name."""

FOLLOW = "@follow/"
"""First part of the state fields of what is followed."""


class _Input(msgspec.Struct, frozen=True):
    clock: Clock | None
    cursor: dict[str, int]


def no_sector(symbol: str, session: int) -> None:
    """What is known of sectors without reference data."""


class AggregatorCore:
    """Implements `dfp.log.work.Core` over its inputs: `names.signals`, `names.risk_verdicts` and `names.features`.

    Of the features it uses the clock entries (expiry, decay and the end of the session follow the log's clock) and the
    prices of what is followed. It also is a `dfp.runtime.stage.Conditional`: see `publisher`.

    Args:
        sector_of: (symbol, session) -> its sector, None when it is unknown.
    """

    def __init__(self, names: Names, sector_of: SectorOf = no_sector) -> None:
        self.names = names
        self._publisher = Publisher(names, sector_of)
        self._books: dict[str, Book] = {}
        self._follows = Follows([])
        self._clock: Clock | None = None
        self._cursor: dict[str, int] = {}
        self._schedule: list[tuple[int, str]] = []

    @property
    def conditions(self) -> Conditions:
        """See `dfp.runtime.stage.Conditional`."""
        return self._publisher.conditions

    def assume(self, conditions: Conditions, bundle: Bundle, work: Work) -> None:
        """See `dfp.runtime.stage.Conditional`. What was kept back goes out if it now may."""
        before = set(self.conditions.halts or ())
        self._publisher.assume(conditions, bundle, self._now, work)
        halted = sorted(set(conditions.halts or ()) - before)
        if PIPELINE in halted:
            for symbol, book in sorted(self._books.items()):
                if book.live is not None:
                    book.kept_back = book.halted = True
                    work.state[symbol] = book.encode()
        if halted:
            self._withdraw_halted(work)
        self._go_on(work)
        self._save(work)

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """Take entries of one input in order; see `dfp.log.work.Core`."""
        for entry in entries:
            self._cursor[stream] = entry.seq
            try:
                if stream == self.names.signals:
                    self._on_signal(intake.signal_in(entry), entry.meta, work)
                elif stream == self.names.risk_verdicts:
                    self._on_verdicts(entry, work)
                elif entry.kind is Kind.CLOCK:
                    self._on_clock(intake.storable(codec.decode(entry.payload, Clock)), entry.meta, work)
                elif entry.kind is Kind.FEATURES and self._follows:
                    self._follows.take(decode_ticks(entry.payload))
            except ContractError as error:
                self._refuse(f"bad-{entry.kind}", error, entry, work)
        if entries:
            work.state[INPUT_FIELD] = msgspec.msgpack.encode(_Input(self._clock, self._cursor))
            self._save(work)

    def save(self) -> bytes:
        """The whole state but the gate's, which only commits hold."""
        fields = {symbol: book.encode() for symbol, book in sorted(self._books.items())}
        fields.update({FOLLOW + follow.id: msgspec.msgpack.encode(follow) for follow in self._follows.all()})
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
        publisher = self._publisher
        try:
            own = {name: value for name, value in fields.items() if name != INPUT_FIELD and not publisher.owns(name)}
            followed = [own.pop(name) for name in sorted(own) if name.startswith(FOLLOW)]
            follows = Follows([msgspec.msgpack.decode(value, type=Follow) for value in followed])
            found = {symbol: books.decode(value) for symbol, value in own.items()}
            last = _Input(None, {})
            if INPUT_FIELD in fields:
                last = msgspec.msgpack.decode(fields[INPUT_FIELD], type=_Input)
            publisher.load(fields)
        except (msgspec.MsgspecError, UnicodeDecodeError, symbols.SymbolError) as error:
            raise ContractError("aggregator state", dict(fields), str(error)) from None
        self._books = found
        self._follows = follows
        self._clock = last.clock
        self._cursor = dict(last.cursor)
        self._schedule = []
        for symbol, book in found.items():
            self._check_at(symbol, book, 0)  # a check that comes too early finds nothing to do

    @property
    def _now(self) -> int:
        """Event time of the log's clock, 0 before its first entry."""
        return self._clock.time if self._clock else 0

    def _on_signal(self, signal: Signal, meta: Meta, work: Work) -> None:
        book = self._books.get(signal.symbol)
        if self._has_ended(signal.session) or (book is not None and signal.session < book.session):
            work.count("late")
            return
        if self._publisher.has_halted(signal.strategy):
            work.count("halted")
            return
        if book is not None and signal.session > book.session:
            # Signals may run ahead of the clock entry that ends their previous session.
            self._end_session(signal.symbol, book, max(signal.as_of, book.evaluation_time()), meta, work)
            book = self._books.get(signal.symbol)
        if book is None:
            book = Book(Views())
        elif book.views.supersedes(signal):
            work.count("superseded")
            return
        at = max(signal.as_of, book.evaluation_time())
        if signal.expires <= max(at, self._now):
            work.count("late")
            # It has replaced what the strategy said before, even though nobody may act on it any more.
            book.views.withdraw(signal.strategy)
        elif signal.direction is not Direction.FLAT and (refused := self._publisher.admit(signal, work)):
            work.count(f"refused/{refused}")
            return
        else:
            work.count("signals")
            book.views.put(signal)
        self._books[signal.symbol] = book
        book.views.expire(at)
        now = episode.standing(book.views, at)
        self._advance(book, now, meta, work)
        if book.live is None:
            self._open(book, now, signal, meta, work)
        self._keep(signal.symbol, book, now, work)

    def _on_verdicts(self, entry: Entry, work: Work) -> None:
        if entry.kind is not Kind.VERDICTS:
            raise ContractError("entry.k", entry.kind, Kind.VERDICTS)
        if self._publisher.learn(codec.decode(entry.payload, Verdicts), self._now, work):
            self._go_on(work)

    def _on_clock(self, clock: Clock, meta: Meta, work: Work) -> None:
        self._clock, previous = clock, self._clock
        if clock.end or (previous is not None and previous.session != clock.session):
            for symbol, book in sorted(self._books.items()):
                if self._has_ended(book.session):
                    self._end_session(symbol, book, max(clock.time, book.evaluation_time()), meta, work)
        for symbol in self._due(clock.time):
            book = self._books[symbol]
            at = max(clock.time, book.evaluation_time())
            expired = book.views.expire(at)
            now = episode.standing(book.views, at)
            if self._advance(book, now, meta, work) or expired:
                self._keep(symbol, book, now, work)
            else:
                self._check_at(symbol, book, book.next_due(now))
        if self._follows:
            for outcome in self._follows.finish(clock.time, clock.session, clock.end):
                work.writes.append(Write(self.names.outcomes, Kind.OUTCOME, codec.encode(outcome), meta))
                work.count("outcomes")

    def _has_ended(self, session: int) -> bool:
        clock = self._clock
        return clock is not None and (session < clock.session or (clock.end and session == clock.session))

    def _end_session(self, symbol: str, book: Book, at: int, meta: Meta, work: Work) -> None:
        """Close what is live and forget the day's views."""
        book.views.expire(at)
        if book.live is not None:
            now = episode.standing(book.views, at)
            self._revise(book, episode.close(book.live, now, CloseReason.SESSION_END), meta, work)
        book.views = Views()
        self._keep(symbol, book, episode.standing(book.views, at), work)

    def _withdraw_halted(self, work: Work) -> None:
        """Drop the views of halted strategies; what stood on them alone is closed."""
        for symbol, book in sorted(self._books.items()):
            gone = [view.strategy for view in book.views.signals() if self._publisher.has_halted(view.strategy)]
            if not gone:
                continue
            for strategy in gone:
                book.views.withdraw(strategy)
            now = episode.standing(book.views, max(self._now, book.evaluation_time()))
            revision = None if book.live is None or book.halted else episode.advance(book.live, now)
            if revision is not None and revision.state is State.CLOSED:
                book.halted = True
                revision = msgspec.structs.replace(revision, closed=CloseReason.HALTED)
            self._revise(book, revision, self._meta(NO_META), work)
            self._keep(symbol, book, now, work)

    def _go_on(self, work: Work) -> None:
        """Look again at what was kept back."""
        for symbol, book in sorted(self._books.items()):
            live = book.live
            if live is None or not book.kept_back or (book.halted and self._publisher.halted):
                continue
            at = max(self._now, book.evaluation_time())
            book.views.expire(at)
            over = self._has_ended(live.session) or live.session < book.session
            now = episode.standing(Views() if over else book.views, at)
            revision: Opportunity | None
            if book.halted:
                revision = episode.close(live, now, CloseReason.HALTED)
            elif over:
                revision = episode.close(live, now, CloseReason.SESSION_END)
            else:
                revision = episode.advance(live, now)
            book.kept_back = False
            self._revise(book, revision, self._meta(NO_META), work)
            self._keep(symbol, book, now, work)

    def _open(self, book: Book, now: episode.Standing, trigger: Signal, meta: Meta, work: Work) -> None:
        candidate = episode.open_episode(now, trigger)
        if candidate is None:
            return
        active = [other.live for other in self._books.values() if other.live is not None]
        book.live = self._publisher.offer(candidate, active, self._meta(meta), now.at, work)
        if book.live is not None:
            self._follows.begin(book.live, trigger)

    def _advance(self, book: Book, now: episode.Standing, meta: Meta, work: Work) -> bool:
        """Whether anything in the book changed."""
        if book.live is None or book.kept_back:
            return False
        return self._revise(book, episode.advance(book.live, now), meta, work)

    def _revise(self, book: Book, revision: Opportunity | None, meta: Meta, work: Work) -> bool:
        """Publish a further revision, if there is one, or remember that it was kept back; whether there was one."""
        if revision is None or book.live is None:
            return False
        sent = self._publisher.revise(book.live, revision, self._meta(meta), work)
        book.kept_back = sent is None
        if sent is not None and sent.state is State.CLOSED:
            self._follows.close(sent)
            book.live, book.halted = None, False
        elif sent is not None:
            book.live = sent
        return True

    def _meta(self, meta: Meta) -> Meta:
        return Meta(meta.hops, dict(self._cursor))

    def _keep(self, symbol: str, book: Book, now: episode.Standing, work: Work) -> None:
        """Let a changed book ride in the commit, and say when it is to be looked at again."""
        if book.empty:
            self._books.pop(symbol, None)
            work.state[symbol] = None
            return
        work.state[symbol] = book.encode()
        self._check_at(symbol, book, book.next_due(now))

    def _save(self, work: Work) -> None:
        self._publisher.save(work)
        for identifier, follow in self._follows.changed.items():
            work.state[FOLLOW + identifier] = None if follow is None else msgspec.msgpack.encode(follow)
        self._follows.changed.clear()

    def _check_at(self, symbol: str, book: Book, due: int | None) -> None:
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
