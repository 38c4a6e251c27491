"""Feature logs made by hand: rows, clock entries and gaps in order, cut into frames as a test likes."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias

import numpy as np

from dfp.contracts import codec
from dfp.contracts.clock import Clock, Gap
from dfp.contracts.entry import NO_META, Entry, Kind, Meta
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame, encode
from dfp.contracts.names import Names
from dfp.contracts.signal import Signal
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline, Watch
from dfp.engine.universe import Universe
from dfp.log.work import Work
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from dfp.sdk import Strategy

SESSION = 20220601
NAMES = Names("test")
MAUTAI = "600519.SH"
PINGAN = "000001.SZ"


@functools.cache
def moment(text: str, session: int = SESSION) -> int:
    """UTC nanoseconds of an exchange time such as `09:30:00`."""
    day = datetime.strptime(f"{session} {text}", "%Y%m%d %H:%M:%S").replace(tzinfo=timezone(timedelta(hours=8)))
    return (day - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


@dataclass(frozen=True)
class Row:
    """One tick; prices in yuan, 0 = absent."""

    symbol: str = MAUTAI
    n: int = 1
    time: int = moment("10:00:00")
    last: float = 10.0
    phase: int = Phase.CONTINUOUS
    flags: int = 0
    session: int = SESSION
    volume: int = 100
    bid1: float = 9.99
    ask1: float = 10.01
    limit_up: float = 11.0
    features: dict[str, float] = field(default_factory=dict)


Item: TypeAlias = Row | Clock | Gap


def rows(count: int, symbol: str = MAUTAI, start: str = "10:00:00", **fields: object) -> list[Row]:
    """Consecutive ticks of one symbol, one each 3 s."""
    first = moment(start)
    return [
        Row(symbol=symbol, n=i + 1, time=first + 3_000_000_000 * i, **fields)  # type: ignore[arg-type]
        for i in range(count)
    ]


def clock(text: str, session: int = SESSION, phase: int = Phase.CONTINUOUS) -> Clock:
    return Clock(time=moment(text, session), session=session, phase=phase)


def log(items: Iterable[Item], cut: Callable[[], bool] = lambda: False, meta: Meta = NO_META) -> list[Entry]:
    """Entries with contiguous sequence numbers; rows in a row share a frame unless `cut` says so."""
    entries: list[Entry] = []
    pending: list[Row] = []

    def flush() -> None:
        if pending:
            entries.append(Entry(len(entries) + 1, Kind.FEATURES, encode(frame(pending)), meta))
            pending.clear()

    for item in items:
        if isinstance(item, Row):
            if pending and (pending[0].session != item.session or cut()):
                flush()
            pending.append(item)
            continue
        flush()
        kind = Kind.CLOCK if isinstance(item, Clock) else Kind.GAP
        entries.append(Entry(len(entries) + 1, kind, codec.encode(item), meta))
    flush()
    return entries


def frame(ticks: Sequence[Row]) -> Frame:
    values: dict[str, list[object]] = {
        "symbol": [pack(row.symbol) for row in ticks],
        "turnover": [row.volume * row.last for row in ticks],
        "bid1_volume": [300] * len(ticks),
        "ask1_volume": [100] * len(ticks),
        "pre_close": [100_000] * len(ticks),
        "limit_down": [0] * len(ticks),
    }
    for name in ("last", "bid1", "ask1", "limit_up"):
        values[name] = [round(getattr(row, name) * 10_000) for row in ticks]
    for name in ("n", "time", "phase", "flags", "volume"):
        values[name] = [getattr(row, name) for row in ticks]
    columns = {name: np.array(values[name], DTYPES[code]) for name, code in TICK_COLUMNS.items()}
    for name in ticks[0].features:
        columns[name] = np.array([row.features[name] for row in ticks], DTYPES["f8"])
    return Frame(ticks[0].session, columns)


def engine(
    strategy: Strategy, *, universe: Universe | None = None, live: bool = True, watch: Watch | None = None
) -> EngineCore:
    return EngineCore(
        NAMES,
        "test",
        strategy,
        revision="0123456789abcdef",
        universe=universe or Universe(),
        live=live,
        watch=watch or NoDeadline(),
    )


def run(core: EngineCore, entries: Sequence[Entry]) -> Work:
    work = Work()
    core.process(NAMES.features, entries, work)
    return work


def signals(work: Work) -> list[Signal]:
    return [codec.decode(write.payload, Signal) for write in work.writes if write.kind is Kind.SIGNAL]
