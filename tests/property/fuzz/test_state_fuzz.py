"""Damaged snapshots: a core loads them or refuses them with a ContractError; then it starts afresh."""

from typing import Any

import pytest
from hypothesis import given

from dfp.contracts.errors import ContractError
from dfp.log.work import Work
from mutations import attempt, hostile
from raw_entries import entry, feed, live
from raw_rows import batch, collector


def replayed() -> Any:
    core = collector()
    core.take(batch({}, {"symbol": "000001.SZ", "time": "10:00:05"}, {"time": "10:02:00"}), Work())
    return core


def followed() -> Any:
    core = live()
    for number in range(3):
        feed(core, entry("10:00:00", number, symbol=f"60000{number}.SH"))
    return core


@pytest.mark.parametrize("make", [replayed, followed])
def test_any_state_is_loaded_or_refused(make: Any) -> None:
    core = make()
    states = [core.save()]

    @given(hostile(states))
    def check(state: bytes) -> None:
        attempt(ContractError, core.load, state)
        core.load(states[0])
        assert core.save() == states[0]

    check()
