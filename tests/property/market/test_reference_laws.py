"""Laws of reference data: what is read is what was written, and a table of any content is read or refused by name."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.market.reference import DailyBar, ReferenceData, ReferenceDataError
from dfp.market.reference_file import COLUMNS

SYMBOLS = ("600000.SH", "000001.SZ", "300750.SZ")
DAYS = tuple(range(20261101, 20261113))

units = st.integers(1, 10**8)
factors = st.sampled_from([0.5, 1.0, 1.25, 2.0, 3.0])


@st.composite
def rows(draw: st.DrawFn) -> dict[tuple[str, int], dict[str, str]]:
    """(symbol, day) -> cells; each one there or not."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for key in draw(st.lists(st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(DAYS)), unique=True, min_size=1)):
        cells: dict[str, str] = {}
        for name in ("pre_close", "limit_up", "limit_down"):
            if draw(st.booleans()):
                cells[name] = f"{draw(units) / 10_000:.4f}"
        if draw(st.booleans()):
            cells["factor"] = str(draw(factors))
        if draw(st.booleans()):
            cells["sector"] = draw(st.sampled_from(["banks", "银行"]))
        if draw(st.booleans()):
            cells["st"] = draw(st.sampled_from(["true", "false"]))
        if draw(st.booleans()):
            low, second, third, high = sorted(draw(st.tuples(units, units, units, units)))
            bar = zip(("open", "high", "low", "close"), (second, high, low, third), strict=True)
            cells.update(
                {name: f"{price / 10_000:.4f}" for name, price in bar}, volume=str(draw(st.integers(0, 10**9)))
            )
        found[key] = cells
    return found


def load(*contents: bytes) -> ReferenceData:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.csv" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return ReferenceData.load(paths)


def text(table: dict[tuple[str, int], dict[str, str]]) -> bytes:
    lines = [",".join(COLUMNS)]
    for (symbol, day), cells in table.items():
        lines.append(",".join({"symbol": symbol, "session": str(day), **cells}.get(name, "") for name in COLUMNS))
    return "\n".join(lines).encode()


def price(cell: str | None) -> int | None:
    return None if cell is None else round(float(cell) * 10_000)


def plain_bars(
    table: dict[tuple[str, int], dict[str, str]], symbol: str, session: int, count: int
) -> tuple[DailyBar, ...] | None:
    """The rule of docs/reference_data.md, row by row."""
    today = table.get((symbol, session), {}).get("factor")
    days = sorted(day for (name, day), cells in table.items() if name == symbol and day < session and "close" in cells)
    chosen = days[-count:]
    factor = {day: table[symbol, day].get("factor") for day in chosen}
    if today is None or len(chosen) < count or None in factor.values():
        return None
    found = []
    for day in chosen:
        cells, ratio = table[symbol, day], float(factor[day] or "") / float(today)
        open_, high, low, close = (
            int((price(cells[name]) or 0) * ratio + 0.5) for name in ("open", "high", "low", "close")
        )
        found.append(DailyBar(day, open_, high, low, close, int(cells["volume"])))
    return tuple(found)


@given(rows(), rows(), st.integers(1, 4))
def test_what_two_files_say_is_known_and_nothing_else(
    first: dict[tuple[str, int], dict[str, str]], second: dict[tuple[str, int], dict[str, str]], count: int
) -> None:
    reference = load(text(first), text(second))
    merged = {key: {**first.get(key, {}), **second.get(key, {})} for key in {**first, **second}}
    for symbol in SYMBOLS:
        for day in DAYS:
            cells = merged.get((symbol, day), {})
            facts = reference.facts(symbol, day)
            prices = (facts.pre_close, facts.limit_up, facts.limit_down)
            assert prices == tuple(price(cells.get(name)) for name in ("pre_close", "limit_up", "limit_down"))
            assert facts.sector == cells.get("sector")
            assert facts.st == (None if "st" not in cells else cells["st"] == "true")
            assert reference.daily_bars(symbol, day, count) == plain_bars(merged, symbol, day, count)


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=120),
        st.lists(
            st.sampled_from(
                [*COLUMNS, "600000.SH", "20261125", "1", "-1", "nan", "inf", "x", ",", ",", ",", "\n", "\n", '"', "\0"]
            ),
            max_size=60,
        ).map(lambda parts: ("symbol,session,close,st\n" + "".join(parts)).encode()),
    )
)
def test_a_table_of_any_content_is_read_or_refused_by_name(content: bytes) -> None:
    with contextlib.suppress(ReferenceDataError):
        load(content)
