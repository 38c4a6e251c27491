"""What `on_batch` is given and gives back."""

import numpy as np
import pytest

from dfp.sdk import Down, Flat, MemoryColumns, Signals, StrategyError, Ticks, Up


def test_signals_take_a_mask_or_row_numbers() -> None:
    assert Signals(np.array([False, True, True]), Up).rows == [1, 2]
    assert Signals([2, 0], Up).rows == [2, 0]
    assert len(Signals(np.array([False]), Up)) == 0


def test_scalars_hold_for_every_row_and_columns_each_for_its_own() -> None:
    said = Signals([0, 1], [Up, Flat], confidence=np.array([0.5, 0.9]), strength=20, horizon="1m", reason="r").each()
    assert [(row, one.direction, one.confidence, one.strength) for row, one in said] == [
        (0, Up, 0.5, 20.0),
        (1, Flat, 0.9, 20.0),
    ]


def test_signals_come_in_the_order_of_rows_and_those_of_one_row_keep_theirs() -> None:
    said = Signals([2, 0, 2], [Up, Down, Flat]).each()
    assert [(row, one.direction) for row, one in said] == [(0, Down), (2, Up), (2, Flat)]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([0.5], Up), "rows"),
        (([[0]], Up), "rows"),
        (([0, 1], [Up]), "direction"),
        (([0, 1], Up, np.array([0.1, 0.2, 0.3])), "confidence"),
        (([0], Up, 0.5, "strong"), "strength"),
    ],
)
def test_columns_that_do_not_fit_are_refused_by_name(arguments: tuple[object, ...], field: str) -> None:
    with pytest.raises(StrategyError, match=rf"Signals\.{field}"):
        Signals(*arguments)  # type: ignore[arg-type]


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(StrategyError, match="confidence"):
        Signals([0], Up, confidence=1.5).each()


def test_ticks_know_their_columns_and_say_what_is_missing() -> None:
    columns = {"last": np.array([1.0, 2.0])}
    ticks = Ticks(["a", "b"], 20220601, ("last",), columns.pop)
    assert (len(ticks), ticks.symbol, ticks.session, ticks.last.sum()) == (2, ["a", "b"], 20220601, 3.0)
    assert ticks.last.tolist() == [1.0, 2.0], "a column is made once"
    with pytest.raises(StrategyError, match="no column 'lst'; did you mean 'last'"):
        _ = ticks.lst


def test_memory_columns_are_assigned_whole_or_by_element() -> None:
    columns = {"entry": np.zeros(3), "open": np.zeros(3, np.bool_)}
    memory = MemoryColumns("Mine", columns)
    memory.entry = 1
    memory.entry[1] = 5.0
    memory.open = np.array([True, False, True])
    assert columns["entry"].tolist() == [1.0, 5.0, 1.0]
    assert memory.open.tolist() == [True, False, True]


def test_memory_refuses_unknown_fields_and_values_that_do_not_fit() -> None:
    memory = MemoryColumns("Mine", {"entry": np.zeros(3)})
    with pytest.raises(StrategyError, match=r"Mine\.Memory has no field 'entri'; did you mean 'entry'"):
        memory.entri = 1
    with pytest.raises(StrategyError, match=r"Mine\.Memory\.entry cannot be assigned"):
        memory.entry = np.zeros(2)
    with pytest.raises(StrategyError, match=r"Mine\.Memory\.entry cannot be assigned"):
        memory.entry = "text"
