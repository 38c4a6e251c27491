"""From RiskPolicy resources to the bundle: texts become numbers, selectors become names."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from dfp.contracts import policy as contract
from dfp.contracts.policy import NO_POLICIES, Action, Basis, Bundle, Measure, Scope
from dfp_operator.api.manifest import ManifestError, parse
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Strategy
from dfp_operator.plan.pipeline import plan_pipeline
from dfp_operator.plan.policies import policy_bundle
from dfp_operator.plan.problem import PlanError
from dfp_operator.plan.settings import PipelineSettings

SECOND = 1_000_000_000
VOLATILITY: JsonValue = {"name": "v", "scope": "Symbol", "volatility": {"threshold": "5%"}, "action": "Block"}


def policy(*rules: JsonValue, name: str = "house", namespace: str = "default", **spec: JsonValue) -> RiskPolicy:
    document: JsonValue = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "RiskPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"rules": list(rules or (VOLATILITY,)), **spec},
    }
    (made,) = parse(json.dumps(document), "policy.yaml")
    assert isinstance(made, RiskPolicy)
    return made


def strategy(name: str, **labels: JsonValue) -> Strategy:
    document: JsonValue = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "Strategy",
        "metadata": {"name": name, "labels": labels},
        "spec": {"code": {"builtin": "breakout"}},
    }
    (made,) = parse(json.dumps(document), "strategy.yaml")
    assert isinstance(made, Strategy)
    return made


STRATEGIES = [strategy("b", desk="east"), strategy("a", desk="east", kind="slow"), strategy("c", desk="west")]


def bound(selector: JsonValue) -> list[str] | None:
    (made,) = policy_bundle([policy(selector=selector)], STRATEGIES).policies
    return made.strategies


def expression(key: str, operator: str, *values: str) -> JsonValue:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({}, None),
        ({"matchLabels": {"desk": "east"}}, ["a", "b"]),
        ({"matchLabels": {"desk": "east", "kind": "slow"}}, ["a"]),
        ({"matchLabels": {"desk": "north"}}, []),
        (expression("desk", "In", "west", "north"), ["c"]),
        (expression("kind", "NotIn", "slow"), ["b", "c"]),
        (expression("kind", "Exists"), ["a"]),
        (expression("kind", "DoesNotExist"), ["b", "c"]),
    ],
)
def test_a_selector_becomes_the_names_that_it_matches(selector: JsonValue, names: list[str] | None) -> None:
    assert bound(selector) == names


def test_every_check_becomes_numbers() -> None:
    (made,) = policy_bundle(
        [
            policy(
                VOLATILITY,
                {
                    "name": "rolling", "scope": "Symbol", "action": "Block", "hold": "15m",
                    "volatility": {"threshold": "2.5%", "window": {"duration": "30m"}, "grid": "30s"},
                },
                {
                    "name": "d", "scope": "Strategy", "action": "Halt",
                    "drawdown": {"threshold": "8%", "window": {"sessions": 20}, "basis": "Equity"},
                },
                {
                    "name": "c", "scope": "Pipeline", "action": "Alert",
                    "concentration": {"threshold": "25%", "measure": "Herfindahl", "minActive": 7},
                },
                {
                    "name": "f", "scope": "Strategy", "action": "Block",
                    "frequency": {"limit": 120, "window": {"duration": "1m"}},
                },
                enforcement="Observe",
            )
        ],
        [],
    ).policies  # fmt: skip
    assert not made.enforce
    assert [(rule.scope, rule.action, rule.hold_ns) for rule in made.rules] == [
        (Scope.SYMBOL, Action.BLOCK, 0),
        (Scope.SYMBOL, Action.BLOCK, 900 * SECOND),
        (Scope.STRATEGY, Action.HALT, 0),
        (Scope.PIPELINE, Action.ALERT, 0),
        (Scope.STRATEGY, Action.BLOCK, 0),
    ]
    assert [rule.check for rule in made.rules] == [
        contract.Volatility(threshold=0.05, window_ns=None, grid_ns=60 * SECOND),
        contract.Volatility(threshold=0.025, window_ns=1_800 * SECOND, grid_ns=30 * SECOND),
        contract.Drawdown(threshold=0.08, basis=Basis.EQUITY, sessions=20, window_ns=None),
        contract.Concentration(threshold=0.25, measure=Measure.HERFINDAHL, min_active=7),
        contract.Frequency(limit=120, window_ns=60 * SECOND),
    ]


def test_without_policies_there_is_no_bundle() -> None:
    assert policy_bundle([], STRATEGIES) == NO_POLICIES


def test_the_order_of_resources_does_not_matter() -> None:
    one, two = policy(name="one"), policy(name="two", selector={"matchLabels": {"desk": "east"}})
    assert policy_bundle([one, two], STRATEGIES) == policy_bundle([two, one], STRATEGIES[::-1])


def test_the_shipped_policy_has_the_promised_limits() -> None:
    (house,) = parse((Path(__file__).parents[3] / "examples" / "house-policy.yaml").read_text(), "house-policy.yaml")
    assert isinstance(house, RiskPolicy)
    made: Bundle = policy_bundle([house], STRATEGIES)
    thresholds = {rule.name: getattr(rule.check, "threshold", None) for rule in made.policies[0].rules}
    assert (thresholds["volatility"], thresholds["drawdown"]) == (0.05, 0.08)


def test_volatility_over_several_sessions_is_refused_with_what_to_write() -> None:
    rule: JsonValue = {**VOLATILITY, "volatility": {"threshold": "5%", "window": {"sessions": 3}}}  # type: ignore[dict-item]
    with pytest.raises(ManifestError, match=r"window\.sessions.*3.*session to date"):
        policy(rule)


def test_there_is_a_risk_guard_exactly_when_there_is_a_policy() -> None:
    settings = PipelineSettings(redis_url="redis://x", feed="replay", reference_data=("/data/facts.csv",))
    with_policy = {one.name: one for one in plan_pipeline(settings, STRATEGIES, {}, [policy()])}
    assert with_policy["risk-guard"].environment["DFP_REFERENCE_DATA"] == '["/data/facts.csv"]'
    assert with_policy["aggregator"].stop_order < with_policy["risk-guard"].stop_order
    assert "risk-guard" not in {one.name for one in plan_pipeline(settings, STRATEGIES, {})}


def test_policies_of_one_name_or_of_another_pipeline_are_refused() -> None:
    settings = PipelineSettings(redis_url="redis://x", feed="replay")
    with pytest.raises(PlanError, match=r"RiskPolicy house: metadata\.name stands twice"):
        plan_pipeline(settings, STRATEGIES, {}, [policy(), policy()])
    with pytest.raises(PlanError, match="2 pipelines"):
        plan_pipeline(settings, STRATEGIES, {}, [policy(namespace="other")])
