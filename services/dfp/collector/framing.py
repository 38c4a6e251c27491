"""Cuts clean ticks into frames and puts the log's clock between them.

Where a frame ends is a function of event time and row number only. An outage, a slow reader or another batch size must
not move it, because the entries behind a crash have to be the same bytes as those that would have been written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import MAX_ROWS, Column, Frame, encode
from dfp.contracts.names import Names
from dfp.log.work import Work, Write
from dfp.market.phases import SECOND_NS, phase_at, phase_edges

INSTANT_NS = 2_000_000
"""Ticks of the same two milliseconds travel together. It divides a second, so a frame never spans a clock entry."""

MAX_RANDOM_ROWS = 512


@dataclass(frozen=True, slots=True)
class FrameRows:
    """Largest number of rows of a frame: fixed, or drawn anew for each frame from its first row's number and a seed."""

    rows: int
    seed: int | None = None

    @classmethod
    def parse(cls, text: str) -> "FrameRows":
        """From `512`, or `random:SEED` (1 to 512 rows).

        Raises:
            ContractError: neither.
        """
        head, _, seed = text.partition(":")
        if head == "random" and seed.isascii() and seed.isdecimal():
            return cls(MAX_RANDOM_ROWS, int(seed))
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_ROWS:
            return cls(int(text))
        raise ContractError("frame rows", text, f"1 to {MAX_ROWS}, or random:SEED with a whole number as seed")

    def limit(self, row: int) -> int:
        """Rows of the frame that begins with tick `row` of the log."""
        if self.seed is None:
            return self.rows
        return 1 + _mix(self.seed * 0x9E3779B97F4A7C15 + row) % self.rows


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    mask = 2**64 - 1
    value &= mask
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & mask
    value = (value ^ value >> 27) * 0x94D049BB133111EB & mask
    return value ^ value >> 31


class Framer:
    """Turns ticks in order of time into entries of the log.

    Args:
        instant_ns: ticks of one instant travel together. It divides a second.

    Attributes:
        seq: sequence number of the last entry.
        rows: ticks written so far.
        session: trading day that is open, 0 before the first.
        second: event second of the last clock entry.
    """

    def __init__(self, names: Names, frame_rows: FrameRows, instant_ns: int = INSTANT_NS) -> None:
        self.stream = names.clean_ticks
        self.frame_rows = frame_rows
        self.instant_ns = instant_ns
        self.seq = 0
        self.rows = 0
        self.session = 0
        self.second = 0

    def add(self, session: int, columns: Mapping[str, Column], work: Work) -> None:
        """Write ticks of the open session. An instant must come whole: later calls bring later instants."""
        instants = columns["time"] // self.instant_ns
        edges = [0, *(np.flatnonzero(np.diff(instants)) + 1).tolist(), len(instants)]
        seconds = (columns["time"][edges[:-1]] // SECOND_NS).tolist()
        if session != self.session:
            self.session, self.second = session, seconds[0] - 1  # the clock of a session starts with its first tick
        for start, end, second in zip(edges, edges[1:], seconds, strict=False):
            self._clocks(second, work)
            while start < end:
                stop = min(end, start + self.frame_rows.limit(self.rows))
                frame = Frame(session, {name: column[start:stop] for name, column in columns.items()})
                self._write(Kind.TICKS, encode(frame), work)
                self.rows += stop - start
                start = stop

    def advance(self, horizon: int, work: Work) -> None:
        """Let the clock run on to `horizon`, before which no tick will come; the session's last entry is `end`'s."""
        if self.session:
            closing = phase_edges(self.session)[-1][0]
            self._clocks(min(horizon, closing - SECOND_NS) // SECOND_NS, work)

    def end(self, work: Work, *, run_on: bool) -> None:
        """End the open session, if there is one.

        Args:
            run_on: its day is over, so the clock runs on to the last phase edge; else it ends behind the last tick.
        """
        if not self.session:
            return
        if run_on:
            self.advance(phase_edges(self.session)[-1][0], work)
        self._clock(self.second + 1, work, end=True)
        self.session = 0

    def _clocks(self, second: int, work: Work) -> None:
        for passed in range(self.second + 1, second + 1):
            self._clock(passed, work)

    def _clock(self, second: int, work: Work, *, end: bool = False) -> None:
        time = second * SECOND_NS
        clock = Clock(time=time, session=self.session, phase=phase_at(time), end=end)
        self._write(Kind.CLOCK, codec.encode(clock), work)
        self.second = second

    def _write(self, kind: Kind, payload: bytes, work: Work) -> None:
        self.seq += 1
        work.writes.append(Write(self.stream, kind, payload, seq=self.seq))
