"""Files of any layout with any content: each row is accepted or refused with a reason, and nothing else happens."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.collector.feed import FeedError
from dfp.collector.file_schema import LAYOUTS, Layout
from dfp.collector.replay import ReplayFeed
from dfp.contracts.frame import MAX_ROWS
from raw_rows import collector, conserved, read, run

cells = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1e308", "-inf", "nan", "10.01", "100", "99999.99", '"', '"10"', '"a"b', "\0", "\r", "１０"]
    ),
    st.sampled_from(["600000.SH", "2026-11-25 10:00:00", "2026-11-25 10:00:01", "2262-04-11 23:47:17"]),
    st.text(max_size=6),
)


@st.composite
def files(draw: st.DrawFn) -> tuple[Layout, bytes]:
    """A header of a layout, and lines of which some are rows."""
    layout = draw(st.sampled_from(LAYOUTS))
    names = [*layout.columns.values(), *layout.deeper.values()]
    needed = [layout.columns[name] for name in ("symbol", "time", "last")]
    header = [*needed, *draw(st.lists(st.sampled_from([n for n in names if n not in needed]), unique=True))]
    good = {"symbol": "600000.SH", layout.columns["time"]: "2026-11-25 10:00:00", layout.columns["last"]: "10.01"}
    rows = draw(
        st.lists(
            st.one_of(
                st.lists(cells, min_size=len(header), max_size=len(header)).map(",".join),
                st.fixed_dictionaries(dict.fromkeys(header, cells)).map(lambda row: ",".join({**row, **good}.values())),
                cells,
            ),
            max_size=8,
        )
    )
    ending = draw(st.sampled_from([b"", b"\n", b"\xff\n", b'"\n', b"\r\n\r\n"]))
    return layout, "\n".join((",".join(header), *rows)).encode("utf-8", "surrogatepass") + ending


def opened(path: Path, levels: int = 1) -> ReplayFeed | None:
    """None for a file that is refused, as one that names it."""
    try:
        return ReplayFeed([path], levels)
    except FeedError as error:
        if str(path) not in str(error):
            raise
        return None


@settings(max_examples=300)
@given(files(), st.sampled_from([1, 5]))
def test_every_line_is_accepted_or_refused_with_a_reason(file: tuple[Layout, bytes], levels: int) -> None:
    _, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content)
        feed = opened(path, levels)
        if feed is None:
            return
        batches = list(feed.batches(0))
        work = run(batches, collector(levels=levels))
        assert conserved(work)
        assert work.counts["read"] == sum(len(batch) + len(batch.refused) for batch in batches) == feed.files[0].rows()
        for frame in read(work).frames:
            assert 0 < frame.rows <= MAX_ROWS
            assert (frame["last"] >= 0).all()
            assert (frame["volume"] >= 0).all()


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from(["rows.csv", "rows.csv.gz", "rows.parquet"]))
def test_bytes_of_any_kind_are_refused_or_read(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        feed = opened(path)
        assert feed is None or conserved(run(feed.batches(0)))
