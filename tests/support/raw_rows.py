"""Raw rows by hand, a collector's core over them, and what it wrote."""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dfp.collector.core import CollectorCore
from dfp.collector.feed import PRICES, QUANTITIES, ROW, RawBatch, Refused
from dfp.collector.framing import FrameRows
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Kind
from dfp.contracts.frame import Frame, decode_ticks
from dfp.contracts.names import Names
from dfp.log.work import Work, Write
from dfp.market.reference import ReferenceData
from dfp.market.symbols import unpack

NAMES = Names("test")
DAY = "2026-11-25"
SESSION = 20261125


def moment(clock: str, day: str = DAY) -> int:
    """Nanoseconds of a time of day at the exchange."""
    local = dt.datetime.fromisoformat(f"{day}T{clock}+08:00")
    since = local - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def batch(*rows: dict[str, Any], first: int = 1, refused: Sequence[Refused] = ()) -> RawBatch:
    """Rows from dictionaries; `symbol` and `time` (clock text or nanoseconds) have defaults, numbers default to NaN."""
    symbols = list(dict.fromkeys(row.get("symbol", "600000.SH") for row in rows))
    made = np.zeros(len(rows), ROW)
    for index, row in enumerate(rows):
        time = row.get("time", "10:00:00")
        made[index]["number"] = first + index
        made[index]["symbol"] = symbols.index(row.get("symbol", "600000.SH"))
        made[index]["time"] = moment(time, row.get("day", DAY)) if isinstance(time, str) else time
        for name in (*PRICES, *QUANTITIES):
            made[index][name] = row.get(name, 10.0 if name == "last" else np.nan)
        made[index]["per_row"] = row.get("per_row", False)
        made[index]["fingerprint"] = row.get("fingerprint", first + index)
    return RawBatch(tuple(symbols), made, first + len(rows) - 1, tuple(refused))


def always(session: int) -> bool | None:
    return True


def collector(
    rows: str = "512",
    is_session: Callable[[int], bool | None] = always,
    reference: ReferenceData | None = None,
    levels: int = 1,
) -> CollectorCore:
    return CollectorCore(NAMES, is_session, FrameRows.parse(rows), reference, levels)


def run(batches: Iterable[RawBatch], core: CollectorCore | None = None) -> Work:
    """Everything that a feed of these batches leaves behind."""
    core, work = core or collector(), Work()
    for taken in batches:
        core.take(taken, work)
    core.finish(work)
    return work


@dataclass
class Log:
    """What stands in the log, decoded."""

    frames: list[Frame] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    order: list[tuple[str, int]] = field(default_factory=list)
    """(kind, time) of each clock entry and of each tick."""

    @functools.cached_property
    def ticks(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate([frame[name] for frame in self.frames]) for name in self.frames[0].columns}

    @functools.cached_property
    def symbols(self) -> list[str]:
        return [unpack(code) for code in self.ticks["symbol"].tolist()]


def read(work: Work) -> Log:
    log = Log()
    for write in entries(work):
        if write.kind is Kind.CLOCK:
            clock = codec.decode(write.payload, Clock)
            log.clocks.append(clock)
            log.order.append(("clock", clock.time))
        else:
            frame = decode_ticks(write.payload)
            log.frames.append(frame)
            log.order.extend(("tick", time) for time in frame["time"].tolist())
    return log


def entries(work: Work) -> list[Write]:
    return [write for write in work.writes if write.stream == NAMES.clean_ticks]


def dead_letters(work: Work) -> list[DeadLetter]:
    found = [write for write in work.writes if write.stream == NAMES.dead_letters]
    return [codec.decode(write.payload, DeadLetter) for write in found]


def conserved(work: Work) -> bool:
    """read == accepted + Σ rejected."""
    rejected = sum(number for name, number in work.counts.items() if name.startswith("rejected/"))
    return work.counts.get("read", 0) == work.counts.get("accepted", 0) + rejected
