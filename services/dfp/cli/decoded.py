"""Stream entries in a form that people and other programs read: yuan, local time, symbols as text."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import numpy as np

from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.flags import Flag
from dfp.contracts.frame import Frame, decode
from dfp.market.phases import Phase
from dfp.market.symbols import unpack

SHANGHAI = timezone(timedelta(hours=8))
_PRICE = re.compile(r"^(last|pre_close|limit_up|limit_down|(bid|ask)\d+)$")
_TIMES = frozenset({"time", "as_of", "expires", "opened", "since"})


def clock_text(time_ns: int) -> str:
    """A time in UTC nanoseconds as exchange time: `09:30:03.000`."""
    return datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC).astimezone(SHANGHAI).strftime("%H:%M:%S.%f")[:-3]


def rows(frame: Frame, count: int) -> Iterator[dict[str, Any]]:
    """The first `count` rows of a frame as strategies see them: prices in yuan, absent values None."""
    for row in range(min(count, frame.rows)):
        yield {name: _value(name, column[row]) for name, column in frame.columns.items()}


def document(entry: Entry, row_count: int | None) -> dict[str, Any]:
    """The entry as JSON can hold it.

    Args:
        row_count: rows of a frame, None for all of them.

    Raises:
        ContractError: the payload is not what its kind says.
    """
    head: dict[str, Any] = {"seq": entry.seq, "kind": entry.kind.value, "hops": entry.meta.hops}
    if entry.kind in (Kind.TICKS, Kind.FEATURES):
        frame = decode(entry.payload)
        count = frame.rows if row_count is None else row_count
        return {**head, "session": frame.session, "rows": frame.rows, "payload": list(rows(frame, count))}
    return {**head, "payload": _json(entry)}


def lines(entry: Entry, row_count: int) -> list[str]:
    """The entry as text: one line, and behind it the first rows of a frame as a table.

    Raises:
        ContractError: the payload is not what its kind says.
    """
    if entry.kind in (Kind.TICKS, Kind.FEATURES):
        frame = decode(entry.payload)
        times, symbols = frame["time"], len(np.unique(frame["symbol"]))
        text = (
            f"session {frame.session}  {clock_text(int(times[0]))} to {clock_text(int(times[-1]))}  "
            f"{frame.rows} ticks of {symbols} symbols"
        )
        return [_head(entry) + text, *_table(list(rows(frame, row_count)))]
    return [_head(entry) + "  ".join(f"{name}={_shown(name, value)}" for name, value in _json(entry).items())]


def _head(entry: Entry) -> str:
    return f"{entry.seq:>8}  {entry.kind.value:<11}  "


def _json(entry: Entry) -> dict[str, Any]:
    try:
        return msgspec.json.decode(entry.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractError(f"{entry.kind} payload", entry.payload[:64], f"a JSON object ({error})") from None


def _shown(name: str, value: Any) -> str:
    if name in _TIMES and isinstance(value, int):
        return clock_text(value)
    if isinstance(value, str):
        return value if value and " " not in value else repr(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ",".join(str(item.get("strategy", item)) for item in value)
    return str(value)


def _value(name: str, raw: Any) -> Any:
    if name == "symbol":
        return unpack(int(raw))
    if _PRICE.match(name):
        return None if raw == 0 else int(raw) / 10_000
    if name == "phase":
        return Phase(int(raw)).name
    if name == "flags":
        return [flag.name for flag in Flag if flag & int(raw)]
    number = raw.item()
    return None if isinstance(number, float) and math.isnan(number) else number


def _table(found: Sequence[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    names = list(found[0])
    cells = [names, *([_cell(name, row[name]) for name in names] for row in found)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return ["    " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]


def _cell(name: str, value: Any) -> str:
    if value is None or value == []:
        return "-"
    if name == "time":
        return clock_text(value)
    if isinstance(value, list):
        return "|".join(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
