"""Random but plausible tick frames, hostile ones, and real ones, for feature tests."""

import functools
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from dfp.contracts.entry import Kind
from dfp.contracts.flags import UNFIT, Flag
from dfp.contracts.frame import DTYPES, LEVEL_COLUMNS, TICK_COLUMNS, Column, Frame, decode_ticks
from dfp.contracts.names import Names
from dfp.market.phases import SECOND_NS, Phase, midnight_ns, session_open_ns
from offline_chain import log_of

SESSION = 20220601
REAL_FILES = (
    "ashare_sz5_snapshot_20220601.parquet",
    "ashare_sh30_snapshot_20211201.parquet",
    "ashare_600519_snapshot_20230201.parquet",
    "cffex_if2101_ticks_20210104_06.parquet",
)


def frame(session: int, columns: Mapping[str, object], rows: int) -> Frame:
    """A frame of the given columns; the others are zero."""
    full: dict[str, Column] = {}
    for name, code in {**TICK_COLUMNS, **LEVEL_COLUMNS}.items():
        if name in TICK_COLUMNS or name in columns:
            full[name] = np.broadcast_to(np.asarray(columns.get(name, 0), DTYPES[code]), rows).copy()
    return Frame(session, full)


def fit(rows: int, **columns: object) -> Frame:
    """A frame of fit ticks of one symbol, at 10 yuan and at the opening unless the columns say otherwise."""
    usual = {"symbol": 1, "phase": Phase.CONTINUOUS, "time": session_open_ns(SESSION), "last": 100_000}
    return frame(SESSION, {**usual, **columns}, rows)


def walk(seed: int, rows: int, symbols: int = 4, session: int = SESSION, start_s: int = 34_200) -> Frame:
    """Ticks of a few symbols from `start_s` seconds after midnight on; some unfit, some with an absent side."""
    random = np.random.default_rng(seed)
    last = 100_000 + np.cumsum(random.integers(-3, 4, rows)) * 100
    levels = {f"{side}{level}_volume": random.integers(0, 3, rows) for side in ("bid", "ask") for level in range(2, 6)}
    return frame(
        session,
        {
            "symbol": random.integers(1, symbols + 1, rows) * 7_919,
            "time": midnight_ns(session) + start_s * SECOND_NS + np.sort(random.integers(0, rows, rows)) * SECOND_NS,
            "phase": np.where(random.random(rows) < 0.95, Phase.CONTINUOUS, Phase.LUNCH),
            "flags": np.where(random.random(rows) < 0.05, Flag.CROSSED, 0),
            "last": np.where(random.random(rows) < 0.02, 0, last),
            "volume": random.integers(0, 5_000, rows),
            "turnover": random.random(rows) * 1e6,
            "bid1": np.where(random.random(rows) < 0.05, 0, last - 100),
            "ask1": last + 100,
            "bid1_volume": random.integers(0, 3, rows) * 100,
            "ask1_volume": random.integers(0, 3, rows) * 100,
            "limit_up": np.where(random.random(rows) < 0.1, 0, 110_000),
            "limit_down": np.where(random.random(rows) < 0.1, 0, 90_000),
            **(levels if seed % 2 else {}),
        },
        rows,
    )


walks = st.builds(
    walk, seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 120), symbols=st.integers(1, 5),
    session=st.sampled_from([SESSION, SESSION + 1]), start_s=st.sampled_from([34_200, 41_340, 46_800, 53_000]),
)  # fmt: skip

_EDGES = (0, 1, -1, 10**12, 10**12 + 1, 47_100_000, 2**31, 2**62, 2**63 - 1, -(2**63))


@st.composite
def hostile_frames(draw: st.DrawFn) -> Frame:
    """A walk in which any column may hold anything that its type can hold, and time may run backwards."""
    made = draw(walks)
    columns = {name: column.copy() for name, column in made.columns.items()}
    names = st.sampled_from([name for name in columns if name not in ("phase", "flags")])
    for _ in range(draw(st.integers(0, 12))):
        name, row = draw(names), draw(st.integers(0, made.rows - 1))
        column = columns[name]
        if column.dtype.kind == "f":
            column[row] = draw(st.floats())
        else:
            limits = np.iinfo(column.dtype)
            value = draw(st.sampled_from(_EDGES) | st.integers(int(limits.min), int(limits.max)))
            column[row] = min(max(value, int(limits.min)), int(limits.max))
    if draw(st.booleans()):
        columns["time"] = columns["time"][::-1].copy()
    return Frame(made.session, columns)


def slices(whole: Frame, cuts: list[int]) -> list[Frame]:
    """The frame cut at row numbers."""
    edges = sorted({0, whole.rows, *(cut for cut in cuts if cut < whole.rows)})
    return [
        Frame(whole.session, {name: column[a:b] for name, column in whole.columns.items()})
        for a, b in itertools.pairwise(edges)
    ]


@functools.cache
def real_frames(file: Path, frame_rows: str = "512") -> tuple[Frame, ...]:
    """A file's ticks as the collector cleans and frames them."""
    entries = itertools.chain.from_iterable(log_of(file, Names(), frame_rows))
    return tuple(decode_ticks(entry.payload) for entry in entries if entry.kind is Kind.TICKS)


def is_fit(frame: Frame) -> Column:
    """Which rows count."""
    return (frame["phase"] == Phase.CONTINUOUS) & (frame["flags"] & UNFIT == 0)
