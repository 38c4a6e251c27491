"""The shipped manifests say what `dfp up -f examples/` and `kubectl apply -f` understand."""

import pytest

from conftest import ROOT
from dfp.engine.loader import load
from dfp.engine.universe import Universe
from dfp_operator.api.manifest import parse
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Mode, Strategy
from dfp_operator.plan.engine import engine
from dfp_operator.plan.settings import PipelineSettings

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize("folder", ["breakout", "mean_reversion", "orderbook_imbalance"])
def test_a_strategy_s_code_lies_beside_its_manifest_and_takes_its_parameters(folder: str) -> None:
    path = EXAMPLES / folder / "strategy.yaml"
    (strategy,) = parse(path.read_text(encoding="utf-8"), path.name)
    assert isinstance(strategy, Strategy)
    assert strategy.spec.mode is Mode.LIVE
    code = strategy.spec.code
    assert code.config_map is not None
    assert code.config_map.key is not None
    loaded = load(f"file:{path.parent / code.config_map.key}:{code.class_name}")
    loaded.kind(**strategy.spec.parameters)
    assert Universe.parse(strategy.spec.universe.model_dump(mode="json", exclude_none=True)) == Universe()


def test_the_group_label_reaches_the_engine_and_without_one_a_strategy_is_its_own_group() -> None:
    groups = {}
    for folder in ("breakout", "orderbook_imbalance"):
        path = EXAMPLES / folder / "strategy.yaml"
        (strategy,) = parse(path.read_text(encoding="utf-8"), path.name)
        assert isinstance(strategy, Strategy)
        name = strategy.metadata.name
        process = engine(PipelineSettings("redis://", "synthetic"), strategy, {name: "code.py"}, 9100)
        groups[name] = process.environment["DFP_STRATEGY_GROUP"]
    assert groups == {"breakout": "", "orderbook-imbalance": "order-book"}


def test_the_house_policy_has_one_rule_of_each_kind() -> None:
    (policy,) = parse((EXAMPLES / "house-policy.yaml").read_text(encoding="utf-8"), "house-policy.yaml")
    assert isinstance(policy, RiskPolicy)
    assert [rule.name for rule in policy.spec.rules] == ["volatility", "drawdown", "concentration", "frequency"]
