"""A Parquet file as a source of rows; at most one block of it is in memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dfp.collector import fingerprint
from dfp.collector.feed import ROW_OF, FeedError, RawBatch, Refused
from dfp.collector.file_schema import detect
from dfp.collector.table import raw_batch

BLOCK_ROWS = 8_192

DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises over a damaged file; a name in it that is no UTF-8 is the last."""


class ParquetFile:
    """One file, checked when it is opened.

    Args:
        levels: of the book that rows get, 1 or 5.

    Raises:
        FeedError: not Parquet, no rows, or columns that do not fit.
    """

    def __init__(self, path: Path, levels: int = 1) -> None:
        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
        except DAMAGED as error:
            raise FeedError(f"{path}: not a Parquet file that can be read: {error}") from None
        self.schema = detect(path, schema.names, levels)
        for ours, theirs in self.schema.labels.items():
            _check_type(path, ours, schema.field(theirs))
        for field in schema:
            if not (_is_number(field.type) or _is_text(field.type) or pa.types.is_timestamp(field.type)):
                raise FeedError(f"{path}: column {field.name!r} has type {field.type}; expected numbers, text or times")
        if not sum(groups):
            raise FeedError(f"{path}: the file has no rows")
        self.groups = groups

    def batches(self, after: int) -> Iterator[RawBatch]:
        """Rows behind the first `after`; a file that turns out to be damaged ends with a refused row."""
        first, skipped = 0, 0
        while first < len(self.groups) and skipped + self.groups[first] <= after:
            skipped += self.groups[first]
            first += 1
        done = skipped
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                for block in file.iter_batches(BLOCK_ROWS, row_groups=list(range(first, len(self.groups)))):
                    start = max(after - done, 0)
                    done += len(block)
                    if start < len(block):
                        yield self._batch(block.slice(start), done)
        except DAMAGED as error:
            detail = f"{self.path}, row {done + 1}: this row and those behind it cannot be read: {error}"
            lost = Refused(done + 1, "unreadable", detail, b"")
            yield RawBatch((), np.zeros(0, ROW_OF[self.schema.levels]), self.rows(), (lost,))

    def rows(self) -> int:
        """Rows in the file."""
        return sum(self.groups)

    def _batch(self, block: pa.RecordBatch, position: int) -> RawBatch:
        marks = fingerprint.of_columns(block.columns, len(block))
        columns = {ours: block.column(theirs) for ours, theirs in self.schema.labels.items()}
        numbers = range(position - len(block) + 1, position + 1)
        return raw_batch(str(self.path), columns, self.schema, numbers, marks, position)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _check_type(path: Path, ours: str, field: "pa.Field[pa.DataType]") -> None:
    kind = field.type
    if ours == "symbol":
        good, allowed = _is_text(kind), "text"
    elif ours == "time":
        good = pa.types.is_timestamp(kind) or pa.types.is_int64(kind) or _is_text(kind)
        allowed = "timestamps, text, or UTC nanoseconds (int64)"
    else:
        good, allowed = _is_number(kind), "numbers"
    if not good:
        raise FeedError(f"{path}: column {field.name!r} has type {kind}; expected {allowed}")
