"""A block of a file's columns as a raw batch; rows that cannot be read are refused one by one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dfp.collector import cells, fingerprint
from dfp.collector.feed import ROW_OF, RawBatch, Refused
from dfp.collector.file_schema import DEEPER, NUMBERS, Schema
from dfp.collector.fingerprint import Fingerprints

SPELLINGS = ((".CFFEX", ".CF"), ("(index)", ""))
"""How archives write the futures exchange and indices, and how we do."""

SYMBOL_ALLOWED = "a symbol such as 600000.SH"


def raw_batch(
    place: str,
    columns: Mapping[str, "pa.Array[Any]"],
    schema: Schema,
    numbers: Sequence[int],
    fingerprints: Fingerprints,
    position: int,
    refused: Sequence[Refused] = (),
) -> RawBatch:
    """Rows from columns.

    Args:
        place: the file, for messages.
        columns: our name -> values; `symbol` and `time` are there, numbers may be absent.
        schema: of the file.
        numbers: of the rows in the source.
        refused: rows around these that were refused before.
    """
    labels, layout = schema.labels, schema.layout
    rows = np.zeros(len(numbers), ROW_OF[schema.levels])
    rows["number"] = numbers
    rows["fingerprint"] = fingerprints if schema.unique else fingerprint.of_places(fingerprints, rows["number"])
    rows["per_row"] = layout.per_row
    encoded = columns["symbol"].cast(pa.string()).dictionary_encode()
    rows["symbol"] = encoded.indices.fill_null(0).to_numpy()
    rows["time"], bad_time = cells.times(columns["time"])
    bad = {"symbol": encoded.indices.is_null().to_numpy(zero_copy_only=False), "time": bad_time}
    for name in (*NUMBERS, *(DEEPER if schema.levels > 1 else ())):
        if name in columns:
            rows[name], bad[name] = cells.numbers(columns[name])
        else:
            rows[name] = np.nan
    found = list(refused)
    unread = np.logical_or.reduce(list(bad.values()))
    for index in np.flatnonzero(unread).tolist():
        name = next(name for name, mask in bad.items() if mask[index])
        allowed = {"symbol": SYMBOL_ALLOWED, "time": cells.TIME_ALLOWED}.get(name, cells.NUMBER_ALLOWED)
        shown = {labels[ours]: column[index].as_py() for ours, column in columns.items()}
        found_text = f"{labels[name]}: {shown[labels[name]]!r} is not allowed; expected {allowed}"
        detail = f"{place}, row {numbers[index]}: {found_text}"
        found.append(Refused(numbers[index], "unparsable", detail, json.dumps(shown, default=str).encode()))
    found.sort(key=lambda row: row.number)
    rows["time"] += layout.shift_ns
    with np.errstate(over="ignore", invalid="ignore"):  # what comes out is no quantity, and cleaning refuses it
        rows["volume"] *= layout.unit
        if layout.trades:
            rows["turnover"] = np.where(np.isnan(rows["turnover"]), rows["last"] * rows["volume"], rows["turnover"])
    symbols = tuple(_respelled(str(symbol)) for symbol in encoded.dictionary.to_pylist())
    return RawBatch(symbols, rows[~unread] if unread.any() else rows, position, tuple(found))


def _respelled(symbol: str) -> str:
    for theirs, ours in SPELLINGS:
        symbol = symbol.replace(theirs, ours)
    return symbol
