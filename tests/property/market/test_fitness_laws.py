"""Which ticks are fit, against a plain loop over the rows of hostile frames."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts.flags import UNFIT
from dfp.contracts.frame import Frame
from dfp.market.fitness import fit, fit_rows_of, sound
from dfp.market.phases import Phase
from tick_frames import hostile_frames


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Hostile frames, in which phase and flags hold anything too."""
    made = draw(hostile_frames())
    seed = draw(st.none() | st.integers(0, 99))
    if seed is None:
        return made
    random = np.random.default_rng(seed)
    phase, flags = random.integers(0, 9, made.rows, np.uint8), random.integers(0, 2**16, made.rows, np.uint16)
    return Frame(made.session, {**made.columns, "phase": phase, "flags": flags})


def is_sound(frame: Frame, row: int) -> bool:
    return bool(not int(frame["flags"][row]) & UNFIT and frame["last"][row] > 0)


def is_fit(frame: Frame, row: int) -> bool:
    return bool(frame["phase"][row] == Phase.CONTINUOUS) and is_sound(frame, row)


@given(frames(), st.data())
def test_fit_ticks_are_sound_ones_of_continuous_trading_wherever_they_stand(frame: Frame, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, frame.rows - 1)))
    for chosen, numbers in ((slice(None), range(frame.rows)), (slice(1, 3), range(frame.rows)[1:3]), (rows, rows)):
        assert sound(frame, chosen).tolist() == [is_sound(frame, row) for row in numbers]
        assert fit(frame, chosen).tolist() == [is_fit(frame, row) for row in numbers]


@given(frames(), st.data())
def test_rows_of_some_symbols_are_found_among_all_others(frame: Frame, data: st.DataObject) -> None:
    there = st.sampled_from(frame["symbol"].tolist())
    wanted = data.draw(st.sets(there | st.integers(0, 2**64 - 1), min_size=1))
    found = fit_rows_of(frame, np.array(sorted(wanted), np.uint64))
    assert found.tolist() == [
        row for row in range(frame.rows) if int(frame["symbol"][row]) in wanted and is_fit(frame, row)
    ]
