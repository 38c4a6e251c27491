"""The replay feed: files of the past, one after the other, in the order of their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dfp.collector.csv_file import CsvFile
from dfp.collector.feed import FeedError, RawBatch
from dfp.collector.parquet_file import ParquetFile

SUFFIXES = (".parquet", ".csv", ".csv.gz")


class ReplayFeed:
    """Rows of files; their numbers run on from one file to the next.

    Args:
        paths: Parquet or CSV files in any known layout (file_schema.py), each sorted by time, in order of time.
        levels: of the book that rows get, 1 or 5; what a file does not have of them is absent.

    Raises:
        FeedError: a file is missing, empty, or not what it should be. All are checked before the first row is read.
    """

    def __init__(self, paths: Sequence[Path], levels: int = 1) -> None:
        if not paths:
            raise FeedError("files: none given; name at least one .parquet, .csv or .csv.gz file")
        self.files = [_open(path, levels) for path in paths]

    def batches(self, after: int) -> Iterator[RawBatch]:
        """See `dfp.collector.feed.Feed`."""
        before = 0
        for file in self.files:
            position = 0
            for batch in file.batches(max(after - before, 0)):
                position = batch.position
                yield _moved(batch, before)
            before += position or file.rows()


def _moved(batch: RawBatch, by: int) -> RawBatch:
    if not by:
        return batch
    batch.rows["number"] += by
    refused = tuple(replace(row, number=row.number + by) for row in batch.refused)
    return RawBatch(batch.symbols, batch.rows, batch.position + by, refused)


def _open(path: Path, levels: int) -> ParquetFile | CsvFile:
    if not path.exists():
        raise FeedError(f"{path}: there is no such file")
    if not path.is_file():
        raise FeedError(f"{path}: not a file; name one that ends with {', '.join(SUFFIXES)}")
    if path.name.endswith(".parquet"):
        return ParquetFile(path, levels)
    if path.name.endswith((".csv", ".csv.gz")):
        return CsvFile(path, levels)
    raise FeedError(f"{path}: unknown kind of file; allowed are {', '.join(SUFFIXES)}")
