"""Files of reference data: CSV or Parquet, one row a (symbol, session), each cell checked when it is read.

A wrong reference table moves price limits and draw-downs of the whole market, so one bad cell refuses the file; only an
empty cell is let through, as unknown.
"""

import difflib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from dfp.market.phases import date_of
from dfp.market.reference import BAR, PRICES, UNKNOWN, Column, ReferenceData, ReferenceDataError, Table
from dfp.market.rules import NO_LIMIT
from dfp.market.symbols import SymbolError, normalize

SUFFIXES = (".parquet", ".csv", ".csv.gz")
COLUMNS = ("symbol", "session", "pre_close", "limit_up", "limit_down", "factor", "sector", "st", *BAR, "volume")
KEY = ("symbol", "session")

UNITS = 10_000
"""1/10,000 yuan."""

HIGHEST_PRICE, LARGEST_VOLUME, LARGEST_FACTOR = 1e8, 1e15, 1e9

SPECIAL_TREATMENT = {"true": 1, "1": 1, "false": 0, "0": 0}

_PRICE = f"a price above 0, at most {HIGHEST_PRICE:.0f} yuan, or nothing when it is unknown"
_LIMIT = f"a price from 0 (no limit that day) to {HIGHEST_PRICE:.0f} yuan, or nothing when it is unknown"

Mask = npt.NDArray[np.bool_]


def read(paths: Sequence[Path]) -> Table:
    """The rows of all files, in order of (symbol, session); of two files that know a cell the later one wins.

    Raises:
        ReferenceDataError: the first thing that is not allowed.
    """
    files = [_read(path) for path in paths]
    pa.default_memory_pool().release_unused()  # some 45 MB, which a service would keep for good
    symbols = sorted({symbol for file in files for symbol in file.symbols})
    rank = {symbol: index for index, symbol in enumerate(symbols)}
    sectors = sorted({sector for file in files for sector in file.sectors})
    sector_rank = {sector: index for index, sector in enumerate(sectors)}
    keys = np.concatenate([_renumbered(file.columns["symbol"], file.symbols, rank) for file in files])
    sessions = np.concatenate([file.columns["session"] for file in files])
    order = np.lexsort((sessions, keys))  # stable: rows of one key stay in the order of the files
    keys, sessions = keys[order], sessions[order]
    begins = np.flatnonzero(np.concatenate(([True], (np.diff(keys) != 0) | (np.diff(sessions) != 0))))

    def merged(name: str) -> Column:
        parts = [file.columns[name] for file in files]
        if name == "sector":
            parts = [_renumbered(part, file.sectors, sector_rank) for part, file in zip(parts, files, strict=True)]
        column = np.concatenate(parts)[order]
        known = ~np.isnan(column) if name == "factor" else column != UNKNOWN
        latest = np.maximum.reduceat(np.where(known, np.arange(len(column)), -1), begins)
        return np.where(latest >= 0, column[latest], np.nan if name == "factor" else UNKNOWN)

    return Table(
        tuple(symbols),
        np.searchsorted(keys[begins], np.arange(len(symbols) + 1)),
        sessions[begins],
        {name: merged(name) for name in PRICES},
        merged("volume"),
        merged("factor"),
        merged("st"),
        merged("sector"),
        tuple(sectors),
    )


def write(reference: ReferenceData, path: Path) -> None:
    """Write a file that `ReferenceData.load` reads back as it was.

    Raises:
        ReferenceDataError: the path ends with neither .parquet nor .csv.
    """
    table = reference.table
    columns: dict[str, Any] = {
        "symbol": np.repeat(np.array(table.symbols, np.object_), np.diff(table.begins)),
        "session": table.session,
        **{name: _unless_unknown(column, column / UNITS) for name, column in table.prices.items()},
        "factor": pa.array(table.factor, from_pandas=True),
        "sector": _unless_unknown(table.sector, np.array([*table.sectors, ""], np.object_)[table.sector]),
        "st": _unless_unknown(table.st, table.st == 1),
        "volume": _unless_unknown(table.volume, table.volume),
    }
    made = pa.table({name: columns[name] for name in COLUMNS})
    if path.name.endswith(".parquet"):
        pq.write_table(made, path)
    elif path.name.endswith(".csv"):
        pc.write_csv(made, path)
    else:
        raise ReferenceDataError(f"{path}: cannot be written; expected a name that ends with .parquet or .csv")


def _unless_unknown(column: Column, values: Column) -> "pa.Array[Any]":
    return pa.array(values, mask=column == UNKNOWN)


class _File:
    """Columns of one file, checked; row numbers in messages count from 1 behind the header.

    Attributes:
        columns: `COLUMNS` name -> values; symbol and sector are indices into `symbols` and `sectors`.
    """

    def __init__(self, path: Path, table: pa.Table) -> None:
        self.path = path
        self.rows = table.num_rows
        self._given = {name: table.column(name).combine_chunks() for name in table.column_names}
        self.columns: dict[str, Column] = {}
        self.symbols = self._symbols()
        self.columns["session"] = self._sessions()
        self._refuse_repeated_rows()
        for name in ("pre_close", *BAR):
            self.columns[name] = self._units(name, lambda values: (values > 0) & (values <= HIGHEST_PRICE), _PRICE)
        for name in ("limit_up", "limit_down"):
            limit = self._units(name, lambda values: (values >= 0) & (values <= HIGHEST_PRICE), _LIMIT)
            self.columns[name] = np.where(limit >= NO_LIMIT, 0, limit)
        volume = self._numbers(
            "volume",
            lambda values: (values >= 0) & (values <= LARGEST_VOLUME),
            f"shares from 0 to {LARGEST_VOLUME:.0f}, or nothing when they are unknown",
        )
        self.columns["volume"] = _whole(volume)
        self.columns["factor"] = self._numbers(
            "factor",
            lambda values: (values > 0) & (values <= LARGEST_FACTOR),
            f"a number above 0, at most {LARGEST_FACTOR:.0f}, or nothing when it is unknown",
        )
        self._refuse_impossible_bars()
        self.columns["st"] = self._special_treatment()
        self.sectors = self._sectors()

    def _symbols(self) -> list[str]:
        indices, texts = self._texts("symbol")
        symbols: dict[str, int] = {}
        code = np.zeros(len(texts) + 1, np.int64)
        for index, text in enumerate(texts):
            try:
                code[index] = symbols.setdefault(normalize(text), len(symbols))
            except SymbolError:
                code[index] = UNKNOWN
        code[UNKNOWN] = UNKNOWN
        column = code[indices]
        if (column == UNKNOWN).any():
            self._refuse(int((column == UNKNOWN).argmax()), "symbol", "a symbol such as 600000.SH")
        self.columns["symbol"] = column
        return list(symbols)

    def _sessions(self) -> Column:
        allowed = "a trading day as yyyymmdd, for example 20261125"
        values = self._numbers("session", lambda values: (values >= 19901219) & (values <= 20991231), allowed)
        sessions = _whole(values)
        days = set(np.unique(sessions).tolist())
        wrong = [day for day in days if day == UNKNOWN or not _is_date(day)]
        bad = np.isin(sessions, wrong) | (sessions != np.where(np.isnan(values), UNKNOWN, values))
        if bad.any():
            self._refuse(int(bad.argmax()), "session", allowed)
        return sessions

    def _refuse_repeated_rows(self) -> None:
        symbol, session = self.columns["symbol"], self.columns["session"]
        order = np.lexsort((session, symbol))
        same = (np.diff(symbol[order]) == 0) & (np.diff(session[order]) == 0)
        if same.any():
            row = int(order[1:][same].min())
            text = f"{self._shown('symbol', row)} has an earlier row of this day"
            self._refuse(row, "session", f"one row a symbol and day in a file, and {text}")

    def _refuse_impossible_bars(self) -> None:
        names = (*BAR, "volume")
        known = np.stack([self.columns[name] != UNKNOWN for name in names])
        partly = known.any(axis=0) & ~known.all(axis=0)
        if partly.any():
            row = int(partly.argmax())
            self._refuse(row, names[int(known[:, row].argmin())], f"all of {', '.join(names)}, or none of them")
        low, high = self.columns["low"], self.columns["high"]
        for name in BAR:
            bad = (self.columns[name] < low) | (self.columns[name] > high)
            if bad.any():
                self._refuse(int(bad.argmax()), name, "a price from the bar's low to its high")

    def _special_treatment(self) -> Column:
        indices, texts = self._texts("st")
        code = np.array([SPECIAL_TREATMENT.get(text.strip().lower(), UNKNOWN) for text in texts] + [UNKNOWN])
        bad = (code[indices] == UNKNOWN) & (indices != UNKNOWN)
        if bad.any():
            self._refuse(int(bad.argmax()), "st", "true, false, 1, 0, or nothing when it is unknown")
        return code[indices]

    def _sectors(self) -> list[str]:
        indices, texts = self._texts("sector")
        names = [text.strip() for text in texts]
        sectors = sorted({name for name in names if name})
        rank = {sector: index for index, sector in enumerate(sectors)}
        self.columns["sector"] = np.array([rank.get(name, UNKNOWN) for name in (*names, "")])[indices]
        return sectors

    def _texts(self, name: str) -> tuple[Column, list[str]]:
        """Index of each row's text, `UNKNOWN` for an empty cell, and the texts."""
        column = self._given.get(name)
        if column is None:
            return np.full(self.rows, UNKNOWN), []
        encoded = column.cast(pa.string()).dictionary_encode()
        indices = encoded.indices.cast(pa.int64()).fill_null(UNKNOWN).to_numpy()
        return indices, [str(text) for text in encoded.dictionary.to_pylist()]

    def _units(self, name: str, allowed: Callable[[Column], Mask], text: str) -> Column:
        return _whole(self._numbers(name, allowed, text) * UNITS)

    def _numbers(self, name: str, allowed: Callable[[Column], Mask], text: str) -> Column:
        """A column of numbers, NaN for an empty cell."""
        column = self._given.get(name)
        if column is None:
            return np.full(self.rows, np.nan)
        try:
            values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            cells = column.to_pylist()
            values = np.array([math.inf if cell is None else _number(cell) for cell in cells])
        empty = column.is_null().to_numpy(zero_copy_only=False)
        values = np.where(empty, np.nan, np.where(np.isnan(values), math.inf, values))
        bad = ~empty & ~allowed(values)
        if bad.any():
            self._refuse(int(bad.argmax()), name, text)
        return values

    def _shown(self, name: str, row: int) -> object:
        return self._given[name][row].as_py() if name in self._given else None

    def _refuse(self, row: int, name: str, allowed: str) -> NoReturn:
        raise ReferenceDataError(
            f"{self.path}, row {row + 1}: {name}: {self._shown(name, row)!r:.80} is not allowed; expected {allowed}"
        )


def _read(path: Path) -> _File:
    if not path.is_file():
        raise ReferenceDataError(f"{path}: there is no such file; name one that ends with {', '.join(SUFFIXES)}")
    if not path.name.endswith(SUFFIXES):
        raise ReferenceDataError(f"{path}: unknown kind of file; allowed are {', '.join(SUFFIXES)}")
    try:
        table = _read_parquet(path) if path.name.endswith(".parquet") else _read_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ReferenceDataError(f"{path}: cannot be read: {error}; expected Parquet, or CSV in UTF-8") from None
    names = table.column_names
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {close[0]!r}? " if close and close[0] != name else ""
            raise ReferenceDataError(
                f"{path}: column {name!r} is not allowed; {hint}Expected each once of {', '.join(COLUMNS)}"
            )
    for name in KEY:
        if name not in names:
            raise ReferenceDataError(f"{path}: column {name!r} is missing; expected {' and '.join(KEY)} at least")
    for field in table.schema:
        if pa.types.is_nested(field.type) or pa.types.is_temporal(field.type) or pa.types.is_binary(field.type):
            raise ReferenceDataError(f"{path}: column {field.name!r} has type {field.type}; expected text or numbers")
    if not table.num_rows:
        raise ReferenceDataError(f"{path}: the file has no rows")
    return _File(path, table)


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)  # a thread keeps some 20 MB for good, and a start gains nothing by it


def _read_csv(path: Path) -> pa.Table:
    with pc.open_csv(path) as file:
        names = file.schema.names
    text = pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    return pc.read_csv(path, convert_options=text)


def _whole(values: Column) -> Column:
    """Numbers of 0 and more as the nearest whole ones, `UNKNOWN` for NaN."""
    return np.where(np.isnan(values), UNKNOWN, np.floor(np.nan_to_num(values) + 0.5)).astype(np.int64)


def _number(text: str) -> float:
    """The number in a cell, infinite for anything else; no column allows that."""
    try:
        return float(text.strip().replace("_", "?"))
    except ValueError:
        return math.inf


def _is_date(session: int) -> bool:
    try:
        date_of(session)
    except ValueError:
        return False
    return True


def _renumbered(indices: Column, texts: Sequence[str], rank: dict[str, int]) -> Column:
    return np.array([*(rank[text] for text in texts), UNKNOWN])[indices]
