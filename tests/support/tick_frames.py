"""Random but plausible tick frames, and real ones, for feature tests."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from hypothesis import strategies as st

from dfp.contracts.flags import Flag
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Column, Frame
from dfp.market.phases import SECOND_NS, Phase, midnight_ns

SESSION = 20220601


def frame(session: int, columns: Mapping[str, object], rows: int) -> Frame:
    """A frame of the given columns; the others are zero."""
    full: dict[str, Column] = {}
    for name, code in TICK_COLUMNS.items():
        full[name] = np.broadcast_to(np.asarray(columns.get(name, 0), DTYPES[code]), rows).copy()
    return Frame(session, full)


def walk(seed: int, rows: int, symbols: int = 4, session: int = SESSION, start_s: int = 34_200) -> Frame:
    """Ticks of a few symbols from `start_s` seconds after midnight on; some unfit, some with an absent side."""
    random = np.random.default_rng(seed)
    last = 100_000 + np.cumsum(random.integers(-3, 4, rows)) * 100
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
        },
        rows,
    )


walks = st.builds(
    walk, seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 120), symbols=st.integers(1, 5),
    session=st.sampled_from([SESSION, SESSION + 1]), start_s=st.sampled_from([34_200, 41_340, 46_800, 53_000]),
)  # fmt: skip


def slices(whole: Frame, cuts: list[int]) -> list[Frame]:
    """The frame cut at row numbers."""
    edges = sorted({0, whole.rows, *(cut for cut in cuts if cut < whole.rows)})
    return [
        Frame(whole.session, {name: column[a:b] for name, column in whole.columns.items()})
        for a, b in itertools.pairwise(edges)
    ]


def real_prices(marketdata: Path, symbol: str) -> np.ndarray:  # type: ignore[type-arg]
    """Last prices in 1/10,000 yuan of one symbol of the SZ file, continuous trading only."""
    table = pq.read_table(marketdata / "ashare_sz5_snapshot_20220601.parquet").to_pandas()
    own = table[table["symbol"] == symbol]
    times = own["ts"].dt.strftime("%H%M%S").astype(int)
    trading = times.between(93000, 112959) | times.between(130000, 145659)
    return np.rint(own["last"][trading].to_numpy() * 10_000).astype(np.int64)
