"""Laws of every feature: equal to its plain twin bit for bit, however ticks are batched, whatever they say."""

import contextlib
import math
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import LEVEL_COLUMNS, TICK_COLUMNS, Frame
from dfp.features import kernel, rows, steps, table
from dfp.features.catalog import CATALOG, DEFAULT, MAX_WINDOW, Feature, Kind, parse, parse_all
from dfp.features.program import compile_program
from dfp.features.twin import Twin, trading_second
from dfp.sdk.tick import FIELDS
from feature_sets import EVERY_KIND, computed, feature_sets, table_of
from tick_frames import SESSION, fit, hostile_frames, slices, walk, walks


@given(st.lists(walks, min_size=1, max_size=4), feature_sets)
def test_the_kernel_equals_the_plain_twin_bit_for_bit(frames: list[Frame], features: tuple[Feature, ...]) -> None:
    compiled, twin = table_of(features), Twin(features)
    for frame in frames:
        assert compiled.take(frame).tobytes() == np.array(twin.take(frame)).tobytes()


@given(st.lists(hostile_frames(), min_size=1, max_size=3))
def test_whatever_a_tick_says_a_feature_is_a_number_or_absent(frames: list[Frame]) -> None:
    compiled, twin = table_of(), Twin(EVERY_KIND)
    for frame in frames:
        found = compiled.take(frame)
        assert not np.isinf(found).any()
        assert found.tobytes() == np.array(twin.take(frame)).tobytes()


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
@given(st.lists(walks, min_size=1, max_size=3), st.lists(st.integers(0, 119), max_size=8))
@settings(max_examples=30)
def test_how_ticks_are_batched_changes_no_bit(feature: Feature, frames: list[Frame], cuts: list[int]) -> None:
    whole, cut = table_of((feature,)), table_of((feature,))
    assert computed(whole, frames) == computed(cut, [part for frame in frames for part in slices(frame, cuts)])
    assert whole.save() == cut.save()


@given(walks)
@settings(max_examples=20)
def test_the_kernel_gives_the_same_without_the_compiler(frame: Frame) -> None:
    compiled, plain = table_of(), table_of()
    expected = compiled.take(frame)
    with without_compiler(), np.errstate(over="ignore"):  # the hash wraps around on purpose
        found = plain.take(frame)
    assert found.tobytes() == expected.tobytes()
    assert plain.save() == compiled.save()


@contextlib.contextmanager
def without_compiler() -> Iterator[None]:
    with contextlib.ExitStack() as patches:
        for module in (kernel, rows, steps, table):
            for name, value in vars(module).items():
                if hasattr(value, "py_func"):
                    patches.enter_context(mock.patch.object(module, name, value.py_func))
        yield


def test_thousands_of_symbols_each_keep_their_own_row() -> None:
    crowd = table_of(parse_all(["mean_2"]))
    rng = np.random.default_rng(3)
    symbols = rng.permutation(np.arange(1, 5_552)).astype(np.uint64) * 65_537
    for more in (100, 300):
        prices = (symbols * 3 + more).astype(np.int64)
        for start in range(0, len(symbols), 512):
            chosen = slice(start, start + 512)
            out = crowd.take(fit(len(symbols[chosen]), symbol=symbols[chosen], last=prices[chosen]))
    expected = (symbols * 3 + 200).astype(np.float64)[chosen] / 10_000
    np.testing.assert_allclose(out[0], expected, rtol=1e-12)
    assert crowd.used == 5_551


def test_a_large_frame_of_few_symbols_takes_no_more_memory_than_a_small_one() -> None:
    small, large = table_of(parse_all(DEFAULT)), table_of(parse_all(DEFAULT))
    small.take(walk(1, 100))
    large.take(walk(1, 60_000))
    assert large.nbytes == small.nbytes


def test_only_windows_that_look_back_at_prices_make_the_ring_longer() -> None:
    recursive = ["atr_4096", "ema_4096", "ewma_volatility_4096", "realised_volatility_4096", "rsi_4096"]
    assert compile_program(parse_all(recursive)).ring == 1
    assert compile_program(parse_all(["mean_513"])).ring == 1_024


def test_a_new_session_starts_afresh_and_leaves_nothing_of_the_day_before() -> None:
    days = [walk(5, 100, session=SESSION), walk(6, 100, session=SESSION + 1)]
    again, second = table_of(), table_of()
    again.take(days[0])
    assert again.take(days[1]).tobytes() == second.take(days[1]).tobytes()


def test_ticks_of_a_session_that_is_over_do_not_count() -> None:
    undisturbed, disturbed = table_of(), table_of()
    today, late = [walk(seed, 80, session=SESSION + 1) for seed in (1, 2)], walk(3, 80)
    expected = computed(undisturbed, today)
    first = disturbed.take(today[0])
    assert np.isnan(disturbed.take(late)).all()
    assert disturbed.beyond > 0
    assert np.concatenate((first, disturbed.take(today[1])), axis=1).tobytes() == expected


@pytest.mark.parametrize(
    "column",
    [
        {"symbol": 0}, {"time": 0}, {"time": 2**63 - 1}, {"last": -1}, {"last": 10**12 + 1}, {"last": 47_100_001},
        {"bid1": -1}, {"bid1": 2**63 - 1}, {"ask1": -1}, {"ask1": 2**63 - 1}, {"bid1_volume": -5},
        {"ask1_volume": 2**63 - 1}, {"volume": -1}, {"volume": 10**12 + 1}, {"turnover": -1.0},
        {"turnover": math.nan}, {"turnover": math.inf}, {"limit_up": -1}, {"limit_down": 2**63 - 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_tick_beyond_what_there_can_be_is_counted_and_leaves_no_trace(column: dict[str, object]) -> None:
    undisturbed, disturbed = table_of(), table_of()
    before, after = walk(1, 60, 1), walk(2, 60, 1)
    expected = computed(undisturbed, [before, after])
    first = disturbed.take(before)
    assert np.isnan(disturbed.take(fit(1, **{"symbol": 7_919, **column}))).all()
    assert disturbed.beyond == 1
    assert np.concatenate((first, disturbed.take(after)), axis=1).tobytes() == expected


@pytest.mark.parametrize("session", [0, 20220230, 19000101, 22620101, 2**32 - 1])
def test_a_session_that_is_no_day_is_refused(session: int) -> None:
    with pytest.raises(ContractError, match=r"frame\.session"):
        table_of().take(Frame(session, fit(1).columns))


def test_a_deeper_level_of_another_type_is_refused() -> None:
    columns = dict(walk(1, 5).columns)
    columns["bid3_volume"] = np.zeros(5)
    with pytest.raises(ContractError, match="bid3_volume"):
        table_of().take(Frame(SESSION, columns))


@given(st.integers(0, 86_399))
def test_trading_seconds_leave_lunch_out(second: int) -> None:
    assert steps.trading_second(second * 10**9) == trading_second(second)


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
        ("range_high", f"window N of 1 to {MAX_WINDOW}"),
        ("range_high_5000", f"window N of 1 to {MAX_WINDOW}"),
        ("range_high_0", "one of"),
        ("vwap_10", "vwap without a window"),
        ("imbalance_3", "imbalance without a window"),
        ("macd_12", "macd without a window"),
        ("VWAP", "did you mean vwap"),
        ("ema_" + "9" * 5_000, "did you mean ema_N"),
        ("", "one of"),
    ],
)
def test_a_wrong_name_says_what_would_be_right(name: str, hint: str) -> None:
    with pytest.raises(ContractError, match=hint):
        parse(name)


def test_every_kind_has_a_name_of_its_own() -> None:
    assert {parse(feature.name) for feature in EVERY_KIND} == set(EVERY_KIND)
    assert {feature.kind for feature in EVERY_KIND} == set(Kind)


def test_no_feature_is_called_as_a_tick_calls_its_own() -> None:
    assert {feature.name for feature in EVERY_KIND}.isdisjoint({*TICK_COLUMNS, *LEVEL_COLUMNS, *FIELDS})


def test_every_kind_is_described_with_formula_unit_and_source() -> None:
    assert set(CATALOG) == set(Kind)
    for described in CATALOG.values():
        assert all((described.formula, described.unit, described.source, described.present))


def test_absent_is_nan_on_ticks_that_do_not_count() -> None:
    lunch = walk(1, 40)
    lunch.columns["phase"][:] = 5  # type: ignore[index]
    assert np.isnan(table_of().take(lunch)).all()
