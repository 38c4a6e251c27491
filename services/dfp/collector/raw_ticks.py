"""Entries of `dfp:raw_ticks` as a raw batch; what is no tick is refused one by one, and stops nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from dfp.collector import fingerprint
from dfp.collector.cells import LAST_NS
from dfp.collector.feed import ROW_OF, RawBatch, Refused
from dfp.collector.order import Times
from dfp.collector.raw_tick import FIELDS, NotATick, decode

FIELD = b"d"
"""The only field of an entry."""

EntryId = tuple[int, int]
"""An entry's id `<milliseconds>-<number>` as two numbers, which compare as Redis compares ids."""

START: EntryId = (0, 0)
"""Before the first entry."""

_PLACE_OF = {name: place for place, name in enumerate(FIELDS[2:])}
"""Column of each number; symbol and time come before them."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Consecutive entries of the stream.

    Attributes:
        batch: what they say.
        times: when each entry arrived (UTC nanoseconds, by the server's clock), refused ones included; 0 = unknown.
        entry: id of the last one.
    """

    batch: RawBatch
    times: Times
    entry: EntryId


def read(entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]], position: int, levels: int) -> Arrivals:
    """Read entries as XREAD gives them.

    Args:
        entries: at least one.
        position: entries of the stream before these.
        levels: of the book that rows get.
    """
    identifiers = [parse_id(identifier) for identifier, _ in entries]
    arrived = [milliseconds * 10**6 for milliseconds, _ in identifiers]
    found: list[tuple[int, str, int, int, tuple[float | None, ...]]] = []
    refused: list[Refused] = []
    for number, (identifier, fields) in enumerate(entries, position + 1):
        text = fields.get(FIELD)
        try:
            if arrived[number - position - 1] >= LAST_NS:
                raise NotATick("bad-id", "the id is no time; let the server make it (XADD … *), and delete the stream")
            if text is None or len(fields) > 1:
                names = ", ".join(name[:40].decode("utf-8", "replace") for name in list(fields)[:3])
                raise NotATick("no-document", f"fields {names}; expected one field d that holds a JSON document")
            tick, time = decode(text)
        except NotATick as error:
            where = f"entry {identifier.decode()}: "
            record = next(iter(fields.values()), b"") if text is None else text
            refused.append(Refused(number, error.reason, where + str(error), record))
            continue
        symbol, _, *numbers = msgspec.structs.astuple(tick)
        found.append((number, symbol, time, fingerprint.of_text(text), tuple(numbers)))
    times = np.array([time if time < LAST_NS else 0 for time in arrived], np.int64)
    symbols = {row[1]: None for row in found}
    place = {symbol: index for index, symbol in enumerate(symbols)}
    rows = np.zeros(len(found), ROW_OF[levels])
    if found:
        rows["number"], texts, rows["time"], rows["fingerprint"], numbers_of = zip(*found, strict=True)
        rows["symbol"] = [place[symbol] for symbol in texts]
        table = np.array(numbers_of, np.float64)  # an absent number, None, becomes NaN
        for name, column in _PLACE_OF.items():
            if name in (rows.dtype.names or ()):
                rows[name] = table[:, column]
    return Arrivals(RawBatch(tuple(symbols), rows, position + len(entries), tuple(refused)), times, identifiers[-1])


def parse_id(identifier: bytes) -> EntryId:
    """An id as the server gives it."""
    milliseconds, _, number = identifier.partition(b"-")
    return int(milliseconds), int(number)


def id_of(entry: EntryId) -> str:
    """An id as the server takes it."""
    return f"{entry[0]}-{entry[1]}"
