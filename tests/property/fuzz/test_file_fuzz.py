"""Damaged and senseless files: a FeedError names the file, or every row is accounted for."""

import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given
from hypothesis import strategies as st

from dfp.collector.feed import FeedError
from dfp.collector.file_schema import NUMBERS
from dfp.collector.replay import ReplayFeed
from mutations import attempt, hostile
from raw_rows import conserved, run

NAMES = ("symbol", "time", *NUMBERS)
CSV = "\n".join(
    [
        ",".join(NAMES),
        *(f"600000.SH,2022-06-01 09:30:0{second},10.0{second}" + ",1" * (len(NUMBERS) - 1) for second in range(8)),
        '"000001.SZ","2022-06-01T09:31:00.500+08:00",9.9' + "," * (len(NUMBERS) - 1),
        "",
    ]
).encode()
SHORT = b"symbol,time,last\n600000.SH,1654047000000000000,10\n600000.SH,1654047003000000000,10.1\n"


def replayed(data: bytes, suffix: str) -> None:
    """Read the file to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix}"
        path.write_bytes(data)
        feed, refusal = attempt(FeedError, ReplayFeed, [path])
        if feed is None:
            assert str(path) in str(refusal)
            return
        batches = list(feed.batches(0))
        assert [batch.position for batch in batches] == sorted({batch.position for batch in batches})
        work = run(batches)
        assert conserved(work)
        assert work.counts.get("read", 0) <= batches[-1].position
        for after in range(batches[-1].position):
            again = list(feed.batches(after))
            assert again[-1].position == batches[-1].position


@given(hostile([CSV, SHORT]))
@example(SHORT + b'a","\n,\n')
def test_any_bytes_are_a_csv_file_or_refused(data: bytes) -> None:
    replayed(data, ".csv")


@given(hostile([gzip.compress(CSV, mtime=0), gzip.compress(SHORT, mtime=0)]))
def test_any_bytes_are_a_gzipped_csv_file_or_refused(data: bytes) -> None:
    replayed(data, ".csv.gz")


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


ROWS: dict[str, Any] = {
    "symbol": ["600000.SH"] * 6,
    "time": pa.array(range(1_654_047_000_000_000_000, 1_654_047_006_000_000_000, 10**9), pa.int64()),
    "last": [10.0, 10.1, None, 10.3, float("nan"), float("inf")],
    "volume": list(range(6)),
}
PARQUET = [
    parquet(ROWS),
    parquet(ROWS, compression="none", use_dictionary=False),
    parquet(ROWS, compression="gzip", row_group_size=2, write_page_checksum=True),
]


@given(hostile(PARQUET))
def test_any_bytes_are_a_parquet_file_or_refused(data: bytes) -> None:
    replayed(data, ".parquet")


def column(draw: Callable[[Any], Any], rows: int) -> Any:
    """A column of one of Arrow's types, nulls included."""
    kind, values = draw(
        st.sampled_from(
            [
                (pa.int8(), st.integers(-128, 127)),
                (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
                (pa.uint64(), st.integers(0, 2**64 - 1)),
                (pa.float32(), st.floats(width=32)),
                (pa.float64(), st.floats()),
                (pa.bool_(), st.booleans()),
                (pa.string(), st.text(max_size=8) | st.sampled_from(("600000.SH", "2022-06-01 09:30:00", "1", "_"))),
                (pa.large_string(), st.text(max_size=4)),
                (pa.binary(), st.binary(max_size=4)),
                (pa.timestamp("s"), st.integers(-(2**40), 2**40)),
                (pa.timestamp("ns", tz="Asia/Shanghai"), st.integers(-(2**62), 2**62)),
                (pa.date32(), st.integers(-(2**20), 2**20)),
                (pa.list_(pa.int64()), st.lists(st.integers(0, 3), max_size=2)),
                (pa.null(), st.none()),
                (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(("600000.SH", "x"))),
            ]
        )
    )
    return pa.array(draw(st.lists(values | st.none(), min_size=rows, max_size=rows)), kind)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    rows = draw(st.integers(0, 4))
    names = draw(st.lists(st.sampled_from(NAMES) | st.text(max_size=6), max_size=6, unique=True))
    good = {name: value[:rows] for name, value in ROWS.items()} if draw(st.booleans()) else {}
    return parquet({**good, **{name: column(draw, rows) for name in names}})


@given(tables())
def test_any_table_is_read_or_refused(data: bytes) -> None:
    replayed(data, ".parquet")
