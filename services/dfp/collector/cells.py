"""Cells of a file as numbers and times: whole columns at once, and cell by cell only where a column has a bad one."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dfp.market.phases import SHANGHAI_NS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FIRST_NS = 657_417_600_000_000_000
"""1990-11-01: before the exchanges opened, a time can only be in another unit or wrong."""

LAST_NS = 4_102_444_800_000_000_000
"""2100-01-01."""

NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}

TIME_ALLOWED = (
    "a time from 1990 to 2100: exchange time such as '2022-06-01 09:30:03' or '2022-06-01T09:30:03.500' (Shanghai, "
    "unless it names its offset), or UTC nanoseconds as a whole number"
)
NUMBER_ALLOWED = "a decimal number, or nothing when it is absent"


def numbers(column: "pa.Array[Any]") -> tuple[Floats, Mask]:
    """A column of numbers or text as floats (NaN = absent), and which cells could not be read."""
    try:
        values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return _cell_by_cell(column, _number, np.float64, np.nan)
    return values, np.zeros(len(values), np.bool_)


def times(column: "pa.Array[Any]") -> tuple[Ints, Mask]:
    """A column of timestamps, whole numbers or text as UTC nanoseconds, and which cells are no time."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column = column.cast(pa.timestamp("ns"))
        except pa.ArrowInvalid:
            return _cell_by_cell(column, _time, np.int64, 0)
    factor, offset = 1, 0
    if pa.types.is_timestamp(column.type):
        factor = NS_PER_UNIT[column.type.unit]
        offset = SHANGHAI_NS if column.type.tz is None else 0
    units = column.cast(pa.int64(), safe=False).fill_null(0).to_numpy()
    bad = (units < (FIRST_NS + offset) // factor) | (units >= (LAST_NS + offset) // factor)
    return np.where(bad, 0, units) * factor - np.where(bad, 0, offset), bad


def _cell_by_cell(
    column: "pa.Array[Any]", parse: Callable[[str], Any], kind: type[Any], absent: Any
) -> tuple[npt.NDArray[Any], Mask]:
    values = np.full(len(column), absent, kind)
    bad = np.zeros(len(column), np.bool_)
    for index, cell in enumerate(column.to_pylist()):
        try:
            values[index] = parse("" if cell is None else cell.strip())
        except ValueError:
            bad[index] = True
    return values, bad


def _number(text: str) -> float:
    if "_" in text:  # Python's own digit grouping; no file means it
        raise ValueError(text)
    return float(text) if text else float("nan")


def _time(text: str) -> int:
    if text.isascii() and text.isdecimal():
        nanoseconds = int(text)
    else:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.timezone(dt.timedelta(hours=8)))
        since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        nanoseconds = (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
    if not FIRST_NS <= nanoseconds < LAST_NS:
        raise ValueError(text)
    return nanoseconds
