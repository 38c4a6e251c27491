"""Laws of every feature: equal to its plain twin bit for bit, however ticks are batched, and over a save and a load."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame
from dfp.features import kernel
from dfp.features.catalog import CATALOG, DEFAULT, Feature, Kind, parse, parse_all
from dfp.features.program import compile_program
from dfp.features.table import Table
from dfp.features.twin import Twin, trading_second
from tick_frames import SESSION, slices, walk, walks

EVERY_KIND = parse_all(
    f"{kind}_{window}" if described.windowed else str(kind)
    for kind, described in CATALOG.items()
    for window in ((1, 3, 20) if described.windowed else (0,))
)

feature_sets = st.lists(
    st.one_of(
        st.sampled_from([Feature(kind) for kind, described in CATALOG.items() if not described.windowed]),
        st.builds(
            Feature,
            st.sampled_from([kind for kind, described in CATALOG.items() if described.windowed]),
            st.integers(1, 40),
        ),
    ),
    min_size=1,
    max_size=8,
).map(lambda chosen: parse_all(feature.name for feature in chosen))


def table(features: tuple[Feature, ...] = EVERY_KIND) -> Table:
    return Table(compile_program(features))


def computed(target: Table, frames: list[Frame]) -> bytes:
    return np.concatenate([target.take(frame) for frame in frames], axis=1).tobytes()


@given(st.lists(walks, min_size=1, max_size=4), feature_sets)
@settings(deadline=None)
def test_the_kernel_equals_the_plain_twin_bit_for_bit(frames: list[Frame], features: tuple[Feature, ...]) -> None:
    compiled, twin = table(features), Twin(features)
    for frame in frames:
        assert compiled.take(frame).tobytes() == np.array(twin.take(frame)).tobytes()


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
@given(st.lists(walks, min_size=1, max_size=3), st.lists(st.integers(0, 119), max_size=8))
@settings(deadline=None, max_examples=40)
def test_how_ticks_are_batched_changes_no_bit(feature: Feature, frames: list[Frame], cuts: list[int]) -> None:
    whole, cut = table((feature,)), table((feature,))
    assert computed(whole, frames) == computed(cut, [part for frame in frames for part in slices(frame, cuts)])
    assert whole.save() == cut.save()


@given(st.lists(walks, min_size=2, max_size=6), st.integers(0, 5), feature_sets)
@settings(deadline=None)
def test_a_saved_state_goes_on_as_if_nothing_had_happened(
    frames: list[Frame], at: int, features: tuple[Feature, ...]
) -> None:
    first, rest = frames[:at], frames[at:]
    undisturbed, restored = table(features), table(features)
    for frame in first:
        undisturbed.take(frame)
    restored.take(walk(1, 50))  # what it held before is forgotten
    restored.load(undisturbed.save())
    assert restored.save() == undisturbed.save()
    if rest:
        assert computed(restored, rest) == computed(undisturbed, rest)
        assert restored.save() == undisturbed.save()


@given(walks)
@settings(deadline=None, max_examples=20)
def test_the_kernel_gives_the_same_without_the_compiler(frame: Frame) -> None:
    compiled, plain = table(), table()
    expected = compiled.take(frame)
    jitted, find_row = kernel.compute, kernel.find_row
    found = np.full_like(expected, np.nan)
    plain._make_room(frame.rows)
    kernel.find_row = find_row.py_func  # type: ignore[attr-defined]
    try:
        with np.errstate(over="ignore"):  # the hash wraps around on purpose
            jitted.py_func(  # type: ignore[attr-defined]
                plain.program.steps, plain.program.ring, plain._places, plain._used, plain._words,
                plain._words.view(np.float64), plain._long, frame.session, *(frame[name] for name in COLUMNS), found,
            )  # fmt: skip
    finally:
        kernel.find_row = find_row
    assert found.tobytes() == expected.tobytes()


COLUMNS = (
    "symbol", "time", "phase", "flags", "last", "volume", "turnover", "bid1", "ask1", "bid1_volume", "ask1_volume",
    "limit_up", "limit_down",
)  # fmt: skip


def test_thousands_of_symbols_each_keep_their_own_row() -> None:
    features = parse_all(["mean_2"])
    crowd = table(features)
    rng = np.random.default_rng(3)
    symbols = rng.permutation(np.arange(1, 5_552)).astype(np.uint64) * 65_537
    for prices in ((symbols * 3 + 100).astype(np.int64), (symbols * 5 + 300).astype(np.int64)):
        for start in range(0, len(symbols), 512):
            chosen = slice(start, start + 512)
            part = walk(1, len(symbols[chosen]))
            columns = {**part.columns, "symbol": symbols[chosen], "last": prices[chosen]}
            columns["phase"] = np.full(len(symbols[chosen]), 4, np.uint8)
            columns["flags"] = np.zeros(len(symbols[chosen]), np.uint16)
            out = crowd.take(Frame(SESSION, columns))
    expected = (symbols * 3 + 100 + symbols * 5 + 300).astype(np.float64)[chosen] / 2 / 10_000
    np.testing.assert_allclose(out[0], expected, rtol=1e-12)
    assert crowd.used == 5_551


def test_a_new_session_starts_afresh_and_leaves_nothing_of_the_day_before() -> None:
    days = [walk(5, 100, session=SESSION), walk(6, 100, session=SESSION + 1)]
    both, second = table(), table()
    computed(both, days)
    assert computed(second, days[1:]) == computed(table(), days[1:])
    fresh = table()
    out = fresh.take(days[1])
    again = table()
    again.take(days[0])
    assert again.take(days[1]).tobytes() == out.tobytes()


@given(st.integers(0, 2**62))
def test_trading_seconds_leave_lunch_out(time: int) -> None:
    assert kernel.trading_second(time) == trading_second(time)


def test_the_default_set_of_the_whole_market_takes_less_than_a_hundred_megabytes() -> None:
    program = compile_program(parse_all(DEFAULT))
    assert (8 * program.words + 4 * program.long) * 5_551 * 3 / 2 < 100_000_000, "tables grow by half"


@given(st.text(max_size=30))
def test_a_name_is_a_feature_or_refused_with_what_is_allowed(name: str) -> None:
    with contextlib.suppress(ContractError):
        assert parse(name).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("range_hihg_400", "did you mean range_high_N"),
        ("range_high", "window N of 1 to 4096"),
        ("range_high_5000", "window N of 1 to 4096"),
        ("range_high_0", "one of"),
        ("vwap_10", "vwap without a window"),
        ("VWAP", "did you mean vwap"),
        ("", "one of"),
    ],
)
def test_a_wrong_name_says_what_would_be_right(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse(name)


def test_every_kind_is_described_with_formula_unit_and_source() -> None:
    assert set(CATALOG) == set(Kind)
    for described in CATALOG.values():
        assert all((described.formula, described.unit, described.source))


def test_absent_is_nan_on_ticks_that_do_not_count() -> None:
    lunch = walk(1, 40)
    lunch.columns["phase"][:] = 5  # type: ignore[index]
    assert all(math.isnan(value) for value in table().take(lunch).ravel())
