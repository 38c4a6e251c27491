"""The pure part of the collector: raw rows in, entries of the log out.

Rows wait in event time until no row can come before them any more (`LATENESS_NS` behind the watermark), which puts late
rows back in order and makes the log a function of the rows alone: taking A and then B writes the same as taking A‖B.
"""

import itertools
from collections.abc import Callable

import msgspec
import numpy as np

from dfp.collector import cleaning
from dfp.collector.cleaning import CLEAN_OF, CleanRows, Column, Mask
from dfp.collector.feed import ROW_OF, RawBatch, Rows, record
from dfp.collector.framing import INSTANT_NS, Framer, FrameRows
from dfp.collector.increments import Increments
from dfp.collector.listings import Listings
from dfp.collector.order import LATENESS_NS, UNSET, Order, Times, day_of, judge
from dfp.contracts import codec
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.flags import Flag
from dfp.contracts.frame import DTYPES, LEVEL_COLUMNS, TICK_COLUMNS
from dfp.contracts.names import Names
from dfp.log.work import Work, Write
from dfp.market.phases import Phase, session_of
from dfp.market.reference import ReferenceData

STAGE = "collector"
STATE_VERSION = 2

IsSession = Callable[[int], bool | None]
"""Trading day, yyyymmdd -> whether the exchange is open on it; None = the calendar ends before it."""


class CollectorCore:
    """Cleaning, ordering and framing of one source.

    Args:
        reference: fills in previous closes, limits and ST flags that the source does not say.
        levels: of the book, in every row of the source and every frame: 1 or 5.

    Attributes:
        position: rows of the source that were taken.
        horizon: event time before which everything is written.
    """

    instant_ns = INSTANT_NS
    """Ticks of one instant travel together."""

    def __init__(
        self,
        names: Names,
        is_session: IsSession,
        frame_rows: FrameRows,
        reference: ReferenceData | None = None,
        levels: int = 1,
    ) -> None:
        self.names = names
        self.is_session = is_session
        self.frame_rows = frame_rows
        self.reference = reference or ReferenceData.empty()
        self.levels = levels
        self._columns = {**TICK_COLUMNS, **(LEVEL_COLUMNS if levels > 1 else {})}
        self._start()

    def _start(self) -> None:
        self.position = 0
        self.horizon = UNSET
        self._watermark = UNSET
        self._listings = Listings(self.reference)
        self._increments = Increments()
        self._framer = Framer(self.names, self.frame_rows, self.instant_ns)
        self._held: Rows = np.zeros(0, ROW_OF[self.levels])
        """At most one row, whose clock cannot be judged before the next row; its `symbol` is a slot."""
        self._waiting: CleanRows = np.zeros(0, CLEAN_OF[self.levels])
        """Accepted rows at or behind the horizon, in order of time, then of arrival."""

    @property
    def seq(self) -> int:
        """Sequence number of the last entry."""
        return self._framer.seq

    @property
    def ripe(self) -> int | None:
        """Event time at which the next rows will be written, None when none wait."""
        if not len(self._waiting):
            return None
        return (int(self._waiting["time"][0]) // INSTANT_NS + 1) * INSTANT_NS

    def watermarks(self, batch: RawBatch) -> Times:
        """How far event time will have come after each row of a batch that is not taken yet."""
        slots = self._listings.slots(batch.symbols)[batch.rows["symbol"]]
        good = np.ones(len(batch), np.bool_)
        for _, _, refused in cleaning.refusals(batch.rows, slots):
            good &= ~refused
        times = np.concatenate((self._held["time"], batch.rows["time"][good]))
        judged = judge(times, self._watermark).watermarks[len(self._held) :]
        return np.concatenate((np.array([self._watermark], np.int64), judged))[np.cumsum(good)]

    def take(self, batch: RawBatch, work: Work) -> None:
        """Take the rows behind those taken before."""
        for row in batch.refused:
            self._refuse(row.reason, row.detail, row.record, work)
        rows = np.concatenate((self._held, self._readable(batch, work)))
        order = judge(rows["time"], self._watermark)
        decided = len(rows) - order.undecided
        self._held = rows[decided:]
        self._accept(rows[:decided], order, work)
        if decided:
            self._watermark = int(order.watermarks[decided - 1])
        self.position = batch.position
        self._release(self._watermark - LATENESS_NS, work)

    def advance(self, time: int, work: Work) -> None:
        """Let event time go on to `time` while the source is silent.

        Args:
            time: not above the watermark of the next row (see `watermarks`) less `LATENESS_NS`.
        """
        if len(self._held) and time > self._held["time"][0]:
            self._trust_held(work)  # a next row that contradicts it would not allow `time`
        self._release(time, work)

    def finish(self, work: Work) -> None:
        """The source has ended: write what still waits, and end the session."""
        self._trust_held(work)
        self._write_all(self._waiting, work)
        self._waiting = self._waiting[:0]
        self._framer.end(work, run_on=False)

    def _trust_held(self, work: Work) -> None:
        held, self._held = self._held, self._held[:0]
        nobody = np.zeros(len(held), np.bool_)
        self._accept(held, Order(held["time"], nobody, nobody, nobody, undecided=False), work)
        if len(held):
            self._watermark = int(held["time"][0])

    def _readable(self, batch: RawBatch, work: Work) -> Rows:
        """Rows that are not refused for what they say, with slots for symbols."""
        rows = batch.rows.copy()
        slots = self._listings.slots(batch.symbols)[rows["symbol"]]
        refused = np.zeros(len(rows), np.bool_)
        for reason, allowed, mask in cleaning.refusals(rows, slots):
            for index in np.flatnonzero(mask & ~refused).tolist():
                symbol = batch.symbols[rows["symbol"][index]]
                text = record(rows[index], symbol)
                problem = self._listings.problem(symbol) or f"{text.decode()} is not allowed; expected {allowed}"
                self._refuse(reason, f"row {rows['number'][index]}: {problem}", text, work)
            refused |= mask
        rows["symbol"] = slots
        return rows[~refused] if refused.any() else rows

    def _accept(self, rows: Rows, order: Order, work: Work) -> None:
        """Sort rows by what their times say: refuse them, or clean them and let them wait for their turn."""
        count = len(rows)
        refused = order.late[:count] | order.stray[:count]
        for index in np.flatnonzero(refused).tolist():
            self._refuse_time(rows[index], int(order.watermarks[index]), stray=bool(order.stray[index]), work=work)
        days = day_of(rows["time"])
        kept: list[CleanRows] = []
        earlier: list[Mask] = []
        for day in np.unique(days[~refused]).tolist():
            mask = (days == day) & ~refused
            session = session_of(int(rows["time"][mask.argmax()]))
            if self.is_session(session) is False:
                self._refuse_session(rows[mask], session, work)
                continue
            chosen = rows[mask]
            kept.append(cleaning.clean(chosen, chosen["symbol"], order.skewed[:count][mask], session, self._listings))
            earlier.append(chosen["time"] < order.watermarks[:count][mask])
        if kept:
            self._queue(np.concatenate(kept), np.concatenate(earlier), work)

    def _queue(self, rows: CleanRows, earlier: Mask, work: Work) -> None:
        repeated = _repeated(self._waiting, rows)
        if repeated.any():
            work.count("rejected/exact-duplicate", int(repeated.sum()))
            work.count("read", int(repeated.sum()))
            rows, earlier = rows[~repeated], earlier[~repeated]
        work.count("read", len(rows))
        work.count("accepted", len(rows))
        if earlier.any():
            work.count("reordered", int(earlier.sum()))
        waiting = np.concatenate((self._waiting, rows))
        times = waiting["time"]
        if (np.diff(times) < 0).any():
            waiting = waiting[np.argsort(times, kind="stable")]
        self._waiting = waiting

    def _release(self, time: int, work: Work) -> None:
        """Write everything before `time`; an instant is written whole or not yet."""
        horizon = time // INSTANT_NS * INSTANT_NS
        if horizon <= self.horizon:
            return
        self.horizon = horizon
        count = int(np.searchsorted(self._waiting["time"], horizon))
        if count:
            self._write_all(self._waiting[:count], work)
            self._waiting = self._waiting[count:]
        self._framer.advance(horizon, work)

    def _write_all(self, rows: CleanRows, work: Work) -> None:
        days = day_of(rows["time"])
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(rows)] if len(rows) else []
        for start, end in itertools.pairwise(edges):
            self._write(rows[start:end], work)

    def _write(self, rows: CleanRows, work: Work) -> None:
        """Number ticks of one session and write them."""
        session = session_of(int(rows["time"][0]))
        if session != self._framer.session:
            self._framer.end(work, run_on=True)
            self._increments.reset()
        slots = rows["slot"]
        self._increments.reserve(len(self._listings))
        added = self._increments.add(slots, rows["volume"], rows["turnover"], rows["per_row"], rows["counts"])
        flags: Column = rows["flags"] | np.where(added.rebased, Flag.REBASED, 0).astype(np.uint16)
        if self.is_session(session) is None:
            flags = flags | Flag.UNCERTAIN_SESSION.value
        made: dict[str, Column] = {
            "symbol": self._listings.packed[slots],
            "n": added.n,
            "flags": flags,
            "volume": added.volume,
            "turnover": added.turnover,
        }
        columns = {
            name: np.ascontiguousarray(made.get(name, rows[name] if name not in made else None), DTYPES[code])
            for name, code in self._columns.items()
        }
        self._framer.add(session, columns, work)
        _count(flags, rows["phase"], work)

    def _refuse(self, reason: str, detail: str, row: bytes, work: Work) -> None:
        letter = dead_letter(STAGE, reason, detail, row)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter)))
        work.count("read")
        work.count(f"rejected/{reason}")

    def _refuse_time(self, row: np.void, watermark: int, *, stray: bool, work: Work) -> None:
        symbol = self._listings.symbol(int(row["symbol"]))
        where = f"row {row['number']}: time: {row['time']} is not allowed; "
        if stray:
            reason, detail = "clock-skew", "expected the trading day of the rows around it"
        else:
            behind = (watermark - int(row["time"])) / 1e9
            allowed = f"at most {LATENESS_NS // 10**9} s before the latest row"
            reason, detail = "out-of-order", f"expected {allowed}, and it is {behind:.3f} s; sort the file by time"
        self._refuse(reason, where + detail, record(row, symbol), work)

    def _refuse_session(self, rows: Rows, session: int, work: Work) -> None:
        for row in rows:
            detail = f"row {row['number']}: time: {row['time']} is on {session}, and the exchange is closed on that day"
            self._refuse("not-a-session", detail, record(row, self._listings.symbol(int(row["symbol"]))), work)

    def save(self) -> bytes:
        """The whole state; `load(save())` leaves an equal core, bit for bit."""
        framer, increments = self._framer, self._increments
        increments.reserve(len(self._listings))
        return _encoder.encode(
            _State(
                STATE_VERSION,
                self.levels,
                self.position,
                self.horizon,
                self._watermark,
                self._listings.symbols,
                increments.save(),
                (framer.seq, framer.rows, framer.session, framer.second),
                self._held.tobytes(),
                self._waiting.tobytes(),
            )
        )

    def load(self, state: bytes) -> None:
        """Replace the state by a saved one. An empty `state` means: start afresh.

        Raises:
            ContractError: the bytes were written by another version.
        """
        self._start()
        if not state:
            return
        try:
            saved = _decoder.decode(state)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("collector state", state[:32], f"state of version {STATE_VERSION} ({error})") from None
        if saved.version != STATE_VERSION:
            raise ContractError("collector state", saved.version, f"version {STATE_VERSION}")
        if saved.levels != self.levels:
            raise ContractError("collector state", saved.levels, f"{self.levels} levels of the book")
        self.position, self.horizon, self._watermark = saved.position, saved.horizon, saved.watermark
        framer = self._framer
        framer.seq, framer.rows, framer.session, framer.second = saved.framer
        try:
            self._listings.slots(tuple(saved.symbols))
            self._increments.load(saved.increments)
            self._held = np.frombuffer(saved.held, ROW_OF[self.levels])
            self._waiting = np.frombuffer(saved.waiting, CLEAN_OF[self.levels])
        except ValueError as error:
            raise ContractError("collector state", state[:32], f"columns of whole rows ({error})") from None


class _State(msgspec.Struct, array_like=True):
    version: int
    levels: int
    position: int
    horizon: int
    watermark: int
    symbols: list[str]
    increments: list[bytes]
    framer: tuple[int, int, int, int]
    held: bytes
    waiting: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def _repeated(waiting: CleanRows, rows: CleanRows) -> Mask:
    """Which of `rows` equal, in every column of the source, a row that waits or one before them."""
    both = np.concatenate((waiting, rows))
    fields = (both["fingerprint"], both["time"].view(np.uint64), both["slot"].astype(np.uint64))
    mixed = np.sort(sum(field * factor for field, factor in zip(fields, _FACTORS, strict=True)))
    found = np.zeros(len(rows), np.bool_)
    if (mixed[1:] == mixed[:-1]).any():  # hardly ever, and then it may be chance: look again, exactly
        seen: set[tuple[int, ...]] = set()
        for index, row in enumerate(zip(*(field.tolist() for field in fields), strict=True), -len(waiting)):
            if index >= 0:
                found[index] = row in seen
            seen.add(row)
    return found


_FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Odd, and far from any pattern that numbers and times have."""


def _count(flags: Column, phases: Column, work: Work) -> None:
    for flag in Flag:
        if number := int(np.count_nonzero(flags & flag.value)):
            work.count(f"flagged/{flag.name}", number)
    for phase, number in enumerate(np.bincount(phases).tolist()):
        if number:
            work.count(f"phase/{Phase(phase).name}", number)
