"""A saved state goes on bit for bit, also under another feature set; one that does not fit is refused whole."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame
from dfp.features.catalog import Feature, parse_all
from dfp.features.state import TableState
from dfp.features.table import Table
from dfp.features.twin import Twin
from feature_sets import EVERY_KIND, computed, feature_sets, table_of
from tick_frames import SESSION, slices, walk, walks


def united(a: tuple[Feature, ...], b: tuple[Feature, ...]) -> tuple[Feature, ...]:
    return parse_all(feature.name for feature in (*a, *b))


def columns(target: Table, frames: list[Frame], features: tuple[Feature, ...]) -> bytes:
    """What a table computes of some of its features."""
    places = [target.program.features.index(feature) for feature in features]
    return np.concatenate([target.take(frame)[places] for frame in frames], axis=1).tobytes()


@given(st.lists(walks, min_size=2, max_size=6), st.integers(0, 5), feature_sets)
def test_it_goes_on_as_if_nothing_had_happened(frames: list[Frame], at: int, features: tuple[Feature, ...]) -> None:
    first, rest = frames[:at], frames[at:]
    undisturbed, restored = table_of(features), table_of(features)
    for frame in first:
        undisturbed.take(frame)
    restored.take(walk(1, 50))  # what it held before is forgotten
    restored.load(undisturbed.save())
    assert restored.save() == undisturbed.save()
    if rest:
        assert computed(restored, rest) == computed(undisturbed, rest)
        assert restored.save() == undisturbed.save()


@given(st.lists(walks, min_size=1, max_size=4), st.lists(walks, min_size=1, max_size=4), feature_sets, feature_sets)
def test_a_feature_that_is_added_disturbs_no_other_and_sees_the_ticks_from_there_on(
    before: list[Frame], after: list[Frame], a: tuple[Feature, ...], b: tuple[Feature, ...]
) -> None:
    both = united(a, b)
    undisturbed, twin = table_of(a), Twin(a)
    for frame in before:
        undisturbed.take(frame)
        twin.take(frame)
    grown = table_of(both)
    grown.load(undisturbed.save())
    twin.change(both)
    found = [grown.take(frame) for frame in after]
    kept = [both.index(feature) for feature in a]
    assert np.concatenate([each[kept] for each in found], axis=1).tobytes() == computed(undisturbed, after)
    if not shares_state(a, b):
        for each, frame in zip(found, after, strict=True):
            assert each.tobytes() == np.array(twin.take(frame)).tobytes()


def shares_state(a: tuple[Feature, ...], b: tuple[Feature, ...]) -> bool:
    """Whether a feature of `b` finds its state in that of a feature of `a`, and so is warm at once."""
    mine, theirs = ({block.name for block in table_of(each).program.blocks} for each in (a, b))
    return not mine.isdisjoint(theirs) and not set(b) <= set(a)


@given(st.lists(walks, min_size=1, max_size=4), st.lists(walks, min_size=1, max_size=4), feature_sets, feature_sets)
def test_a_feature_that_is_removed_disturbs_no_other(
    before: list[Frame], after: list[Frame], a: tuple[Feature, ...], b: tuple[Feature, ...]
) -> None:
    undisturbed, shrunk = table_of(united(a, b)), table_of(a)
    for frame in before:
        undisturbed.take(frame)
    shrunk.load(undisturbed.save())
    assert computed(shrunk, after) == columns(undisturbed, after, a)


def test_an_added_feature_is_warm_after_its_own_window_and_then_equal_to_one_that_was_always_there() -> None:
    always, added = table_of(parse_all(["mean_20", "return_3"])), table_of(parse_all(["return_3"]))
    before, after = walk(1, 60, 1), walk(2, 60, 1)
    always.take(before)
    added.take(before)
    grown = table_of(parse_all(["mean_20", "return_3"]))
    grown.load(added.save())
    found, expected = grown.take(after)[0], always.take(after)[0]
    fit = np.flatnonzero(np.isfinite(expected))
    assert np.isnan(found[fit[:19]]).all()
    assert found[fit[19:]].tobytes() == expected[fit[19:]].tobytes()


def test_sums_of_the_session_that_are_added_begin_with_the_next_session() -> None:
    features = parse_all(["session_turnover", "volume_ratio", "vwap"])
    old = table_of(parse_all(["spread"]))
    old.take(walk(1, 300, 1))
    grown = table_of(features)
    grown.load(old.save())
    today, tomorrow = walk(2, 300, 2), walk(3, 300, 1, session=SESSION + 1)
    found = grown.take(today)
    assert np.isnan(found[:, today["symbol"] == 7_919]).all()
    assert np.isfinite(found[0, today["symbol"] == 2 * 7_919]).any(), "a symbol that begins its session behind"
    assert grown.take(tomorrow).tobytes() == table_of(features).take(tomorrow).tobytes()


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_bytes_that_are_no_state_are_refused_and_change_nothing(seed: int, other: int) -> None:
    chosen, target = random.Random(seed), table_of()
    target.take(walk(other, 80))
    before = target.save()
    saved = table_of()
    saved.take(walk(seed, 80))
    state = damaged(saved.save(), chosen)
    try:
        target.load(state)
    except ContractError:
        assert target.save() == before
    else:
        computed(target, [walk(other, 200), walk(other, 200, session=SESSION + 1)])


def damaged(state: TableState, chosen: random.Random) -> TableState:
    """The state with a few bytes changed, cut off or doubled in one of its parts."""

    def damage(data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(chosen.randrange(4)):
            if changed:
                place = chosen.randrange(len(changed))
                changed[place] = chosen.choice((0, 1, 127, 128, 255, chosen.randrange(256)))
        return bytes(chosen.choice((changed, changed, changed[:-1], changed[:-8], changed + changed)))

    part = chosen.choice(("symbols", "heads", "prices", "ring", "version", "blocks", "blocks", "blocks"))
    match part:
        case "ring" | "version":
            return msgspec.structs.replace(state, **{part: chosen.choice((-1, 0, 3, 16, 4_096, 2**63))})
        case "blocks":
            name = chosen.choice(sorted(state.blocks))
            words, long = state.blocks[name]
            return msgspec.structs.replace(state, blocks={**state.blocks, name: (damage(words), damage(long))})
        case _:
            return msgspec.structs.replace(state, **{part: damage(getattr(state, part))})


@pytest.mark.parametrize(
    ("part", "value", "complaint"),
    [
        ("version", 1, "version 2"),
        ("ring", 3, "power of two"),
        ("ring", 8_192, "power of two"),
        ("symbols", b"\x01", "multiple of 8"),
        ("symbols", bytes(16), "each symbol once"),
        ("symbols", np.array([7_919, 7_919], np.uint64).tobytes(), "each symbol once"),
        ("heads", b"", "96 bytes"),
        ("heads", np.full(12, -1).tobytes(), "a count of ticks"),
        ("prices", bytes(4), "bytes"),
        ("blocks", {"ema_3": (bytes(8), b"")}, "ema_3"),
        ("blocks", {"ema_3": (np.full(4, 10**6).tobytes(), b"")}, "ticks that the symbol had"),
        ("blocks", {"range_high_1": (np.full(10, 9).tobytes(), bytes(8))}, "a deque of the last 1 ticks"),
    ],
)
def test_a_refusal_says_what_does_not_fit(part: str, value: object, complaint: str) -> None:
    saved = table_of()
    saved.take(walk(1, 100, 2))
    with pytest.raises(ContractError, match=complaint):
        table_of().load(msgspec.structs.replace(saved.save(), **{part: value}))


@given(st.lists(walks, min_size=1, max_size=3), st.lists(walks, min_size=1, max_size=3), st.booleans())
def test_no_window_bridges_a_hole(before: list[Frame], after: list[Frame], saved: bool) -> None:
    table, twin = table_of(), Twin(EVERY_KIND)
    for frame in before:
        table.take(frame)
        twin.take(frame)
    table.hole()
    twin.hole()
    if saved:
        table.load(table.save())
    for frame in after:
        assert table.take(frame).tobytes() == np.array(twin.take(frame)).tobytes()


@given(st.lists(walks, min_size=1, max_size=3), st.lists(st.integers(0, 119), max_size=8))
def test_how_ticks_are_batched_behind_a_hole_changes_no_bit(frames: list[Frame], cuts: list[int]) -> None:
    whole, cut = table_of(), table_of()
    whole.hole()
    cut.hole()
    assert computed(whole, frames) == computed(cut, [part for frame in frames for part in slices(frame, cuts)])


@pytest.mark.parametrize(("start_s", "present"), [(34_199, True), (34_200, False), (50_000, False)])
def test_sums_of_a_session_stay_absent_when_a_hole_may_have_taken_some_of_it(start_s: int, present: bool) -> None:
    table = table_of(parse_all(["session_turnover", "vwap"]))
    table.hole()
    found = np.concatenate([table.take(walk(1, 50, start_s=start_s)), table.take(walk(2, 50, start_s=51_000))], axis=1)
    assert np.isfinite(found).any() == present
    assert np.isfinite(table.take(walk(3, 50, session=SESSION + 1))).any()


def test_a_ring_that_grows_or_shrinks_keeps_the_latest_prices() -> None:
    frames = [walk(seed, 400, 1) for seed in range(3)]
    small = table_of(parse_all(["return_5"]))
    for frame in frames[:2]:
        small.take(frame)
    for names in (["range_high_100", "return_5"], ["return_300", "return_5"]):
        large = table_of(parse_all(names))
        large.load(small.save())
        again = table_of(parse_all(["return_5"]))
        again.load(large.save())
        assert again.save() == small.save()
