"""An engine's settings come from the environment."""

import pytest
from pydantic import ValidationError

from dfp.engine.settings import EngineSettings


def test_the_plan_s_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFP_STRATEGY", "breakout")
    monkeypatch.setenv("DFP_STRATEGY_CODE", "file:/code/breakout.py:Breakout")
    monkeypatch.setenv("DFP_STRATEGY_PARAMETERS", '{"min_ratio": 2.5}')
    monkeypatch.setenv("DFP_STRATEGY_UNIVERSE", '{"include": [{"board": "STAR"}]}')
    monkeypatch.setenv("DFP_STRATEGY_MODE", "Live")
    settings = EngineSettings()
    assert (settings.strategy, settings.strategy_code) == ("breakout", "file:/code/breakout.py:Breakout")
    assert settings.strategy_parameters == {"min_ratio": 2.5}
    assert settings.strategy_universe == {"include": [{"board": "STAR"}]}
    assert (settings.strategy_mode, settings.handler_cpu_ms) == ("Live", 100)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", "Break Out"),
        ("strategy_code", "breakout.py"),
        ("strategy_mode", "Paused"),
        ("strategy_parameters", [1]),
        ("handler_cpu_ms", 0),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_field(field: str, value: object) -> None:
    good: dict[str, object] = {"strategy": "breakout", "strategy_code": "entrypoint:breakout"}
    with pytest.raises(ValidationError, match=field):
        EngineSettings(**{**good, field: value})  # type: ignore[arg-type]
