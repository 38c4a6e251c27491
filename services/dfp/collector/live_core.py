"""The pure part of a live feed: ticks are written as they arrive, and never wait for others that may be late.

A replay can put late rows back in order because it can wait. Here a tick that comes after the log's clock has passed
its second is kept and gets the clock's time, which is when it could first be known; one that is older than the last
tick of its own symbol is refused. What becomes of a tick is a function of the entries up to it, their ids included, so
that after a crash the entries behind a snapshot can be taken again and leave the same state, however they were batched.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from dfp.collector.cleaning import CleanRows
from dfp.collector.core import CollectorCore, IsSession
from dfp.collector.feed import Rows, record
from dfp.collector.framing import FrameRows
from dfp.collector.order import LATENESS_NS, UNSET, Order, Times, day_of
from dfp.collector.raw_ticks import START, Arrivals, EntryId
from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.entry import Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.log.work import Work, Write
from dfp.market.phases import DAY_NS, SECOND_NS, phase_edges, session_of
from dfp.market.reference import ReferenceData

AHEAD_NS = 3 * SECOND_NS
"""How far a tick's time may be ahead of its arrival: clocks of the exchange, the producer and Redis differ."""

BEHIND_NS = 2 * LATENESS_NS
"""How far it may be behind: a tick as late as that is behind the silent clock by `LATENESS_NS`."""

_VERSION = 1


class Place(NamedTuple):
    """The end of the log: what the next entry depends on beside the ticks in it.

    Attributes:
        seq: of the last entry.
        rows: ticks in the log.
        session: that is open, 0 = none.
        second: of the last clock entry.
        first_row: ticks in the log when the session began.
    """

    seq: int = 0
    rows: int = 0
    session: int = 0
    second: int = 0
    first_row: int = 0


class LiveCore(CollectorCore):
    """Cleaning and framing of `dfp:raw_ticks`.

    Args:
        by_wall: event time is the time of arrival, against which a tick's time is judged; else the ticks are believed,
            and event time stands still while they are silent.

    Attributes:
        entry: id of the last entry that was taken.
    """

    instant_ns = SECOND_NS
    """Ticks that were read together travel together, whatever their times: a frame costs more than a tick."""

    def __init__(
        self,
        names: Names,
        is_session: IsSession,
        frame_rows: FrameRows,
        reference: ReferenceData | None = None,
        levels: int = 1,
        *,
        by_wall: bool = True,
    ) -> None:
        self.by_wall = by_wall
        super().__init__(names, is_session, frame_rows, reference, levels)

    def _start(self) -> None:
        super()._start()
        self.entry: EntryId = START
        self._newest = UNSET
        """Latest time in the log."""
        self._latest: dict[int, tuple[int, set[int]]] = {}
        """Slot -> exchange time of its last tick, and fingerprints of all its ticks of that time."""
        self._first_row = 0
        """Ticks in the log when the session began."""
        self._unknown = 0
        """Numbers of ticks up to this one may be taken, by symbols that this core has not seen in the session."""
        self._day = -1
        self._closes: int | None = None

    def receive(self, arrivals: Arrivals, work: Work) -> int | None:
        """Take the entries behind those taken before, and write what is good.

        Returns:
            The earliest exchange time of what was written, UTC nanoseconds; None when nothing was.
        """
        batch = arrivals.batch
        for refused in batch.refused:
            self._refuse(refused.reason, refused.detail, refused.record, work)
        rows = self._readable(batch, work)
        first = batch.position - len(arrivals.times) + 1
        kept, stamps = self._judge(rows, arrivals.times[rows["number"] - first], work)
        oldest = int(kept["time"].min()) if len(kept) else None
        kept["time"] = stamps
        nobody = np.zeros(len(kept), np.bool_)
        self._accept(kept, Order(stamps, nobody, nobody, nobody, undecided=False), work)
        self._write_all(self._waiting, work)
        self._waiting = self._waiting[:0]
        self.position, self.entry = batch.position, arrivals.entry
        if self.by_wall:
            self.advance(int(arrivals.times.max()) - LATENESS_NS, work)
        return oldest

    def advance(self, time: int, work: Work) -> None:
        """Let event time go on to `time` while nothing arrives; the session ends when its hours are over.

        Args:
            time: at least `LATENESS_NS` behind the arrival of every entry that was not taken yet.
        """
        self.horizon = max(self.horizon, time)
        session = self._framer.session
        if session and time >= _closing(session):
            self._framer.end(work, run_on=True)
            self._newest = max(self._newest, _closing(session))
        else:
            self._framer.advance(time, work)

    def lose(self, count: int, work: Work) -> None:
        """Entries behind those taken were dropped unread: account for them, and declare the hole."""
        self.position += count
        work.count("read", count)
        work.count("rejected/overflow", count)
        self.declare_gap(f"{count} raw ticks were dropped unread: more arrive than can be taken", work)

    @property
    def place(self) -> Place:
        """Where the log ends."""
        framer = self._framer
        return Place(framer.seq, framer.rows, framer.session, framer.second, self._first_row)

    def resume(self, place: Place) -> None:
        """Go on behind this place: where frames were cut is known to the log alone."""
        framer = self._framer
        framer.seq, framer.rows, framer.session, framer.second, self._first_row = place

    def skip(self, position: int, entry: EntryId) -> None:
        """Go on behind entries whose ticks are in the log but cannot be counted any more: the stream has lost them.

        The numbers of the session's next ticks jump, for every symbol, so that no (symbol, session, n) is given twice.
        """
        self._increments.reserve(len(self._listings))
        self._unknown = self._framer.rows - self._first_row
        self._increments.n[:] = self._unknown
        self.position, self.entry = position, entry

    def declare_gap(self, reason: str, work: Work) -> None:
        """Say in the log that ticks are missing here."""
        framer = self._framer
        framer.seq += 1
        gap = Gap(session=framer.session, time=max(self._newest, self.horizon, 0), reason=reason)
        work.writes.append(Write(self.names.clean_ticks, Kind.GAP, codec.encode(gap), seq=framer.seq))
        work.count("gaps")

    def _write(self, rows: CleanRows, work: Work) -> None:
        if session_of(int(rows["time"][0])) != self._framer.session:
            self._first_row, self._unknown = self._framer.rows, 0
        met = len(self._increments.n)
        self._increments.reserve(len(self._listings))
        self._increments.n[met:] = self._unknown
        super()._write(rows, work)

    def _judge(self, rows: Rows, arrived: Times, work: Work) -> tuple[Rows, Times]:
        """The rows whose times are good, and the times that they get in the log."""
        good = np.ones(len(rows), np.bool_)
        stamps = rows["time"].copy()
        columns = (rows["symbol"], rows["time"], rows["fingerprint"], arrived)
        for index, (slot, time, mark, arrival) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            close = self._close(day_of(time))
            reached = max(self._newest, arrival - LATENESS_NS) if self.by_wall else self._newest
            stamp = max(time, reached // SECOND_NS * SECOND_NS)
            latest, marks = self._latest.get(slot) or (UNSET, set())
            if self.by_wall and not -BEHIND_NS <= time - arrival <= AHEAD_NS:
                reason, detail = "clock-skew", _skewed(time - arrival)
            elif close is None:
                reason, detail = "not-a-session", "the exchange is closed on that day"
            elif time < reached - LATENESS_NS:
                reason, detail = "out-of-order", _late(reached - time)
            elif time < latest:
                reason, detail = "out-of-order", f"the symbol's last tick is {(latest - time) / 1e9:.3f} s newer"
            elif time == latest and mark in marks:
                reason, detail = "exact-duplicate", "this very document was taken before"
            elif stamp >= close:
                reason, detail = "after-close", "the hours of its session are over"
            else:
                stamps[index] = stamp
                self._newest = max(self._newest, stamp)
                if time > latest:
                    self._latest[slot] = (time, {mark})
                else:
                    marks.add(mark)
                continue
            good[index] = False
            text = record(rows[index], self._listings.symbol(slot))
            self._refuse(reason, f"entry {rows['number'][index]}: time: {time} is not allowed; {detail}", text, work)
        if retimed := int((stamps[good] != rows["time"][good]).sum()):
            work.count("retimed", retimed)
        return rows[good], stamps[good]

    def _close(self, day: int) -> int | None:
        """When the hours of a day are over; None when the exchange is closed on it."""
        if day != self._day:
            session = session_of(day * DAY_NS)
            self._day, self._closes = day, None if self.is_session(session) is False else _closing(session)
        return self._closes

    def save(self) -> bytes:
        """See `CollectorCore.save`."""
        latest = [(slot, time, sorted(marks)) for slot, (time, marks) in self._latest.items()]
        return _encoder.encode(
            _LiveState(_VERSION, super().save(), self.entry, self._newest, self._first_row, self._unknown, latest)
        )

    def load(self, state: bytes) -> None:
        """See `CollectorCore.load`."""
        super().load(b"")
        if not state:
            return
        try:
            saved = _decoder.decode(state)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("live state", state[:32], f"state of version {_VERSION} ({error})") from None
        if saved.version != _VERSION:
            raise ContractError("live state", saved.version, f"version {_VERSION}")
        super().load(saved.core)
        self.entry, self._newest = saved.entry, saved.newest
        self._first_row, self._unknown = saved.first_row, saved.unknown
        self._latest = {slot: (time, set(marks)) for slot, time, marks in saved.latest}


class _LiveState(msgspec.Struct, array_like=True):
    version: int
    core: bytes
    entry: EntryId
    newest: int
    first_row: int
    unknown: int
    latest: list[tuple[int, int, list[int]]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_LiveState)


def _closing(session: int) -> int:
    return phase_edges(session)[-1][0]


def _skewed(ahead: int) -> str:
    allowed = f"at most {AHEAD_NS // SECOND_NS} s ahead of its arrival and {BEHIND_NS // SECOND_NS} s behind it"
    found = f"{abs(ahead) / 1e9:.3f} s {'ahead' if ahead > 0 else 'behind'}"
    return f"expected {allowed}, and it is {found}; check the producer's clock, and let the server make ids (XADD … *)"


def _late(behind: int) -> str:
    return f"expected at most {LATENESS_NS // SECOND_NS} s behind the log, and it is {behind / 1e9:.3f} s"
