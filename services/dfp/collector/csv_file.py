"""A CSV file, plain or gzipped, as a source of rows.

It is read line by line and parsed block by block, so that row numbers are exact whatever a line holds, and memory stays
bounded.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from dfp.collector import fingerprint
from dfp.collector.feed import FeedError, RawBatch, Refused
from dfp.collector.file_schema import detect
from dfp.collector.table import raw_batch

BLOCK_LINES = 8_192
LONGEST_LINE = 65_536
"""A longer line is not a row; it is taken in pieces, each of which is refused."""

DAMAGED = (OSError, EOFError, zlib.error)

_QUOTED = re.compile(rb'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
"""Values in quotes as a whole. A quote inside a value would take the rows behind it into the value."""


class CsvFile:
    """One file, checked when it is opened.

    Args:
        levels: of the book that rows get, 1 or 5.

    Raises:
        FeedError: cannot be read, no rows, or a header that does not fit.
    """

    def __init__(self, path: Path, levels: int = 1) -> None:
        self.path = path
        try:
            with self._open() as file:
                header = file.readline(LONGEST_LINE)
                first = next(_lines(file), None)
        except DAMAGED as error:
            raise FeedError(f"{path}: cannot be read: {error}") from None
        text = header.decode("utf-8-sig", "replace").strip()
        self.header = [name.strip().strip('"') for name in text.split(",")] if text else []
        self.schema = detect(path, self.header, levels)
        if first is None:
            raise FeedError(f"{path}: the file has no rows")

    def batches(self, after: int) -> Iterator[RawBatch]:
        """Rows behind the first `after`; a file that turns out to be damaged ends with a refused row."""
        number = 0
        block: list[bytes] = []
        try:
            with self._open() as file:
                file.readline(LONGEST_LINE)
                for line in _lines(file):
                    number += 1
                    if number > after:
                        block.append(line)
                    if len(block) == BLOCK_LINES:
                        yield self._batch(block, number)
                        block = []
        except DAMAGED as error:
            number += 1
            if number > after:
                detail = f"{self.path}, row {number}: this row and those behind it cannot be read: {error}"
                yield self._batch(block, number - 1, Refused(number, "unreadable", detail, b""))
            return
        if block:
            yield self._batch(block, number)

    def rows(self) -> int:
        """Rows in the file; it has to be read for that. What cannot be read counts as one."""
        count = -1  # the header is no row
        try:
            with self._open() as file:
                for _ in _lines(file):
                    count += 1
        except DAMAGED:
            count += 1
        return count

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb")  # type: ignore[return-value]

    def _batch(self, block: list[bytes], last: int, lost: Refused | None = None) -> RawBatch:
        refused = [] if lost is None else [lost]
        numbers, lines = [], []
        for number, line in enumerate(block, last - len(block) + 1):
            if _is_row(line):
                numbers.append(number)
                lines.append(line)
            else:
                refused.append(self._refuse(number, line, "one line of text in UTF-8 with paired quotes"))
        columns, wrong = self._parse(lines)
        for index in wrong:
            allowed = f"{len(self.header)} values, one for each of {','.join(self.header)}"
            refused.append(self._refuse(numbers[index], lines[index], allowed))
        if wrong:
            kept = sorted(set(range(len(lines))) - wrong)
            numbers, lines = [numbers[index] for index in kept], [lines[index] for index in kept]
        marks = np.array([fingerprint.of_text(line) for line in lines], np.uint64)
        position = last if lost is None else lost.number
        return raw_batch(str(self.path), columns, self.schema, numbers, marks, position, refused)

    def _parse(self, lines: list[bytes]) -> tuple[dict[str, "pa.Array[pa.StringScalar]"], set[int]]:
        """The columns that we know, and the indices of lines that have another number of values than the header."""
        wrong: set[int] = set()

        def skip(row: pc.InvalidRow) -> Literal["skip"]:
            wrong.add((row.number or 1) - 1)
            return "skip"

        names = list(self.schema.labels.values())
        if not lines:
            return {ours: pa.array([], pa.string()) for ours in self.schema.labels}, wrong
        table = pc.read_csv(
            io.BytesIO(b"".join(line + b"\n" for line in lines)),
            pc.ReadOptions(column_names=self.header, use_threads=False, block_size=BLOCK_LINES * LONGEST_LINE),
            pc.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
            pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=names, strings_can_be_null=True
            ),
        ).combine_chunks()
        columns = {ours: table.column(theirs).combine_chunks() for ours, theirs in self.schema.labels.items()}
        return columns, wrong

    def _refuse(self, number: int, line: bytes, allowed: str) -> Refused:
        detail = f"{self.path}, row {number}: {line[:80]!r} is not allowed; expected {allowed}"
        return Refused(number, "unparsable", detail, line)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends; blank ones are no rows."""
    while line := file.readline(LONGEST_LINE):
        if stripped := line.rstrip(b"\r\n"):
            yield stripped


def _is_row(line: bytes) -> bool:
    if b"\r" in line:  # to a parser a carriage return would end the row
        return False
    if b'"' in line and _QUOTED.fullmatch(line) is None:
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
