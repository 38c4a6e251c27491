"""From a plan's words to a running engine."""

from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from dfp.contracts.errors import ContractError
from dfp.engine.assembly import assemble
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline
from dfp.sdk import StrategyError
from feature_log import MAUTAI, NAMES, PINGAN, Row, log, rows, run, signals

CODE = f"file:{Path(ROOT, 'examples', 'breakout', 'breakout.py')}:Breakout"
FEATURES = {"range_high_400": 10.0, "volume_ratio": 2.5, "room_to_limit_up": 0.05}


def assembled(**plan: Any) -> EngineCore:
    whole = {"code": CODE, "parameters": {}, "universe": {}, "live": True, "watch": NoDeadline(), **plan}
    return assemble(NAMES, "breakout", **whole)


def test_an_assembled_engine_runs_the_strategy_with_its_parameters_on_its_universe() -> None:
    core = assembled(parameters={"min_ratio": 2.2, "horizon": "5m"}, universe={"include": [{"symbols": [PINGAN]}]})
    warm = [row for symbol in (PINGAN, MAUTAI) for row in rows(400, symbol, "09:30:00", features=FEATURES)]
    breaks = [Row(symbol=symbol, n=401, last=10.05, features=FEATURES) for symbol in (PINGAN, MAUTAI)]
    (signal,) = signals(run(core, log([*warm, *breaks])))
    assert (signal.strategy, signal.symbol, signal.revision) == ("breakout", PINGAN, core.revision)
    assert signal.horizon_ns == 300 * 10**9


def test_writing_a_default_down_is_no_new_revision_and_changing_it_is_one() -> None:
    plain = assembled().revision
    assert assembled(parameters={"min_ratio": 2, "horizon": "10m"}).revision == plain
    assert assembled(parameters={"min_ratio": 2.5}).revision != plain
    assert assembled(universe={"exclude": [{"board": "STAR"}]}).revision != plain
    assert assembled(live=False).revision == plain


def test_mistakes_in_the_plan_are_told_before_anything_runs() -> None:
    with pytest.raises(StrategyError, match=r"Breakout\.min_ratio = -1"):
        assembled(parameters={"min_ratio": -1})
    with pytest.raises(ContractError, match=r"universe\.include\[0\]\.board"):
        assembled(universe={"include": [{"board": "Moon"}]})
