"""Hand-computed vectors of the latch. Threshold 10 %, so 8 % (0.8 × 10 %) or less is calm; 60 s of calm return it."""

import pytest

from dfp.risk.latch import Latch
from feature_log import moment
from risk_cases import MINUTE

BREACH, OK = True, False

Steps = list[tuple[str, float, bool]]

VECTORS: dict[str, tuple[int, Steps]] = {
    # 10 % ≥ 10 %: a value equal to the threshold is a breach.
    "equality is a breach": (0, [("10:00:00", 0.10, BREACH)]),
    # 9.99 % < 10 %.
    "just below is none": (0, [("10:00:00", 0.0999, OK)]),
    # 9 % lies between 8 % and 10 %: neither breach nor calm, so a breach stays and an Ok stays.
    "between keeps a breach": (0, [("10:00:00", 0.10, BREACH), ("10:05:00", 0.09, BREACH), ("11:00:00", 0.09, BREACH)]),
    "between keeps an ok": (0, [("10:00:00", 0.09, OK), ("10:05:00", 0.0801, OK)]),
    # Calm from 10:01:00, 60 s later is 10:02:00: 59 s are not enough, 60 s are. 8 % itself is calm.
    "calm for a minute returns": (
        0,
        [("10:00:00", 0.12, BREACH), ("10:01:00", 0.08, BREACH), ("10:01:59", 0.08, BREACH), ("10:02:00", 0.08, OK)],
    ),
    # 8.01 % is not calm, however long.
    "above eight tenths is never calm": (
        0,
        [("10:00:00", 0.12, BREACH), ("10:01:00", 0.0801, BREACH), ("10:30:00", 0.0801, BREACH)],
    ),
    # Calm 10:01:00–10:01:30, broken by 9 %, calm again from 10:02:00: over at 10:03:00.
    "a break starts the minute again": (
        0,
        [
            ("10:00:00", 0.12, BREACH),
            ("10:01:00", 0.05, BREACH),
            ("10:01:30", 0.09, BREACH),
            ("10:02:00", 0.05, BREACH),
            ("10:02:59", 0.05, BREACH),
            ("10:03:00", 0.05, OK),
        ],
    ),
    # Calm from 11:29:30: 30 s until lunch, then the other 30 s from 13:00:00 on.
    "lunch is no calm": (
        0,
        [
            ("11:29:00", 0.12, BREACH),
            ("11:29:30", 0.05, BREACH),
            ("12:30:00", 0.05, BREACH),
            ("13:00:29", 0.05, BREACH),
            ("13:00:30", 0.05, OK),
        ],
    ),
    # Lock of 15 min from 10:00:00: calm long before, but back at 10:15:00 only.
    "a lock outlasts the calm": (
        15 * MINUTE,
        [("10:00:00", 0.12, BREACH), ("10:01:00", 0.01, BREACH), ("10:14:59", 0.01, BREACH), ("10:15:00", 0.01, OK)],
    ),
    # Lock over at 10:15:00, calm only from 10:14:30: back at 10:15:30.
    "calm outlasts a lock": (
        15 * MINUTE,
        [("10:00:00", 0.12, BREACH), ("10:14:30", 0.01, BREACH), ("10:15:00", 0.01, BREACH), ("10:15:30", 0.01, OK)],
    ),
    # Lock of 15 min from 11:20:00: 10 min until lunch, 5 min from 13:00:00 on.
    "a lock stands still over lunch": (
        15 * MINUTE,
        [("11:20:00", 0.12, BREACH), ("11:21:00", 0.01, BREACH), ("13:04:59", 0.01, BREACH), ("13:05:00", 0.01, OK)],
    ),
    # Still above at 10:05 is the same breach: the lock of 10:00:00 ends at 10:15:00.
    "a breach that goes on does not extend its lock": (
        15 * MINUTE,
        [("10:00:00", 0.12, BREACH), ("10:05:00", 0.15, BREACH), ("10:06:00", 0.01, BREACH), ("10:15:00", 0.01, OK)],
    ),
    # Below at 10:05, above again at 10:06: a new breach, locked until 10:21:00.
    "a new breach extends the lock": (
        15 * MINUTE,
        [
            ("10:00:00", 0.12, BREACH),
            ("10:05:00", 0.01, BREACH),
            ("10:06:00", 0.10, BREACH),
            ("10:07:00", 0.01, BREACH),
            ("10:15:00", 0.01, BREACH),
            ("10:20:59", 0.01, BREACH),
            ("10:21:00", 0.01, OK),
        ],
    ),
    # 5 min of the lock lie before 15:00, the rest is for the next day: at 15:00 it is still locked.
    "a lock does not end with the session": (
        15 * MINUTE,
        [
            ("14:55:00", 0.12, BREACH),
            ("14:56:00", 0.01, BREACH),
            ("15:00:00", 0.01, BREACH),
            ("15:30:00", 0.01, BREACH),
        ],
    ),
    # Back at 10:02:00; 10 % again at 10:03 is the next breach.
    "what returned can breach again": (
        0,
        [("10:00:00", 0.12, BREACH), ("10:01:00", 0.01, BREACH), ("10:02:00", 0.01, OK), ("10:03:00", 0.10, BREACH)],
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    hold, steps = VECTORS[name]
    latch = Latch()
    for text, value, expected in steps:
        latch.step(value, moment(text), 0.10, hold)
        assert latch.breached is expected, text


def test_the_lock_of_a_breach_is_told_by_its_end() -> None:
    latch = Latch()
    latch.step(0.2, moment("11:20:00"), 0.10, 15 * MINUTE)
    assert latch.until(15 * MINUTE) == moment("13:05:00")
    assert latch.until(0) == 0


def test_a_lock_goes_on_on_the_next_day() -> None:
    latch = Latch()
    latch.step(0.2, moment("14:55:00"), 0.10, 15 * MINUTE)
    latch.step(0.01, moment("09:31:00", 20220602), 0.10, 15 * MINUTE)
    latch.step(0.01, moment("09:39:59", 20220602), 0.10, 15 * MINUTE)
    assert latch.breached
    latch.step(0.01, moment("09:40:00", 20220602), 0.10, 15 * MINUTE)
    assert not latch.breached


def test_an_unknown_value_breaks_the_calm_and_nothing_else() -> None:
    latch = Latch()
    latch.step(0.2, moment("10:00:00"), 0.10, 0)
    latch.step(0.01, moment("10:01:00"), 0.10, 0)
    latch.interrupt()
    latch.step(0.01, moment("10:02:00"), 0.10, 0)
    assert latch.breached
    latch.step(0.01, moment("10:03:00"), 0.10, 0)
    assert not latch.breached
