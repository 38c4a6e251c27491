"""Rules that relate several fields of one resource."""

import json
from typing import Any

import pytest

from dfp.contracts.errors import ContractError
from dfp_operator.api.code import Code
from dfp_operator.api.manifest import Manifest, ManifestError, parse
from dfp_operator.api.strategy import Mode, Strategy
from dfp_operator.api.values import basis_points, nanoseconds

ARTIFACT = "registry.example.org/quant/momentum"
DIGEST = "@sha256:" + "0" * 64


def strategy(**spec: object) -> Manifest:
    document = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "Strategy",
        "metadata": {"name": "momentum"},
        "spec": {"code": {"builtin": "momentum"}, **spec},
    }
    return parse(json.dumps(document), "test.yaml")[0]


def policy(*rules: dict[str, object], **spec: object) -> Manifest:
    document = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "RiskPolicy",
        "metadata": {"name": "house"},
        "spec": {"rules": [{"name": "a", "action": "Block", **rule} for rule in rules], **spec},
    }
    return parse(json.dumps(document), "test.yaml")[0]


VOLATILITY: dict[str, object] = {"threshold": "5%"}
CONCENTRATION: dict[str, object] = {"threshold": "30%"}
FREQUENCY: dict[str, object] = {"limit": 3, "window": {"duration": "1m"}}
PRICE: dict[str, object] = {"threshold": "8%", "basis": "Price"}
EQUITY: dict[str, object] = {"threshold": "8%", "basis": "Equity"}
FROM_SECRET = {"secretKeyRef": {"name": "broker", "key": "token"}}


@pytest.mark.parametrize(
    "spec",
    [
        {"code": {"artifact": {"reference": ARTIFACT}, "entryPoint": "pkg.momentum:Breakout"}},
        {"code": {"artifact": {"reference": ARTIFACT + DIGEST}, "entryPoint": "a:B"}, "mode": "Live"},
        {"scaling": {"type": "Auto", "min": 2, "max": 2}},
        {"scaling": {"min": 3}},
        {"scaling": {"type": "Manual"}},
        {"scaling": {"type": "Manual", "replicas": 3}},
        {"promotion": {"gates": [{"name": n, "shadow": {"sessions": 1}} for n in "ab"]}},
        {"pod": {"env": [{"name": n, "valueFrom": FROM_SECRET} for n in "AB"]}},
        {"pod": {"tolerations": [{"operator": "Exists"}, {"key": "a", "value": "b"}]}},
    ],
)
def test_fields_of_a_strategy_that_fit_together_are_accepted(spec: dict[str, Any]) -> None:
    assert isinstance(strategy(**spec), Strategy)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"code": {}}, "spec.code: [] is not allowed; expected exactly one of builtin, configMap, artifact"),
        (
            {"code": {"builtin": "a", "configMap": {"name": "a"}}},
            'spec.code: ["builtin", "configMap"] is not allowed; expected exactly one of builtin, configMap, artifact',
        ),
        ({"code": {"builtin": "a", "entryPoint": "a:B"}}, 'spec.code.entryPoint: "a:B" is not allowed; expected none'),
        ({"code": {"configMap": {"name": "a"}}}, "spec.code.entryPoint: null is not allowed; expected module:Class"),
        (
            {"code": {"configMap": {"name": "a"}, "entryPoint": "a.b:C"}},
            'spec.code.entryPoint: "a.b:C" is not allowed; expected a module without dots',
        ),
        (
            {"code": {"artifact": {"reference": ARTIFACT}, "entryPoint": "a:B"}, "mode": "Live"},
            f'spec.code.artifact.reference: "{ARTIFACT}" is not allowed; expected a digest (@sha256:…) with mode Live',
        ),
        (
            {"universe": {"include": [{"board": "STAR", "status": "ST"}]}},
            'spec.universe.include[0]: ["board", "status"] is not allowed; expected exactly one of symbols',
        ),
        (
            {"universe": {"include": [{"symbols": ["600000.SH"] * 4001}], "exclude": [{"symbols": ["1A.SH"] * 4000}]}},
            'spec.universe: "8001 symbols" is not allowed; expected at most 8000',
        ),
        ({"scaling": {"replicas": 3}}, "spec.scaling.replicas: 3 is not allowed; expected no replicas with type Auto"),
        (
            {"scaling": {"type": "Manual", "targetFreshness": "1s"}},
            'spec.scaling.targetFreshness: "1s" is not allowed; expected no targetFreshness with type Manual',
        ),
        ({"scaling": {"min": 3, "max": 2}}, "spec.scaling.min: 3 is not allowed; expected at most max, which is 2"),
        (
            {"promotion": {"gates": [{"name": "a"}]}},
            "spec.promotion.gates[0]: [] is not allowed; expected exactly one of backtest, shadow",
        ),
        (
            {"promotion": {"gates": [{"name": "a", "shadow": {"sessions": 1}}] * 2}},
            'spec.promotion.gates[1].name: "a" is not allowed; expected a name that no other item of gates has',
        ),
        ({"pod": {"env": [{"name": "A", "value": ""}] * 2}}, 'spec.pod.env[1].name: "A" is not allowed'),
        (
            {"pod": {"env": [{"name": "A"}]}},
            "spec.pod.env[0]: [] is not allowed; expected exactly one of value, valueFrom",
        ),
        (
            {"pod": {"env": [{"name": "A", "value": "x", "valueFrom": FROM_SECRET}]}},
            'spec.pod.env[0]: ["value", "valueFrom"] is not allowed',
        ),
        (
            {"pod": {"env": [{"name": "DFP_REDIS_URL", "value": "x"}]}},
            'spec.pod.env[0].name: "DFP_REDIS_URL" is not allowed; expected a name that does not start with DFP_, RED',
        ),
        (
            {"pod": {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}},
            'spec.pod.tolerations[0].value: "b" is not allowed; expected no value with operator Exists',
        ),
        ({"pod": {"tolerations": [{}]}}, "spec.pod.tolerations[0].key: null is not allowed; expected a key"),
        (
            {"pod": {"tolerations": [{"key": "a", "tolerationSeconds": 5}]}},
            "spec.pod.tolerations[0].tolerationSeconds: 5 is not allowed; expected none unless effect is NoExecute",
        ),
        (
            {"parameters": {"a": "x" * 70_000}},
            'spec.parameters: "70009 bytes of JSON" is not allowed; expected at most',
        ),
    ],
)
def test_fields_of_a_strategy_that_contradict_are_refused_by_name(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        strategy(**spec)
    assert f"test.yaml, document 1: Strategy momentum: {message}" in str(refusal.value)
    assert len(refusal.value.problems) == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"scope": "Symbol", "volatility": VOLATILITY, "hold": "15m"},
        {"scope": "Symbol", "drawdown": PRICE},
        {"scope": "Strategy", "drawdown": EQUITY, "action": "Halt"},
        {"scope": "Pipeline", "concentration": CONCENTRATION, "action": "Alert"},
        {"scope": "Symbol", "frequency": FREQUENCY},
        {"scope": "Strategy", "frequency": FREQUENCY},
    ],
)
def test_rules_that_can_be_judged_are_accepted(rule: dict[str, object]) -> None:
    assert policy(rule).kind == "RiskPolicy"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"scope": "Symbol"},
            "[0]: [] is not allowed; expected exactly one of volatility, drawdown, concentration, freq",
        ),
        (
            {"scope": "Symbol", "volatility": VOLATILITY, "frequency": FREQUENCY},
            '[0]: ["volatility", "frequency"] is not allowed',
        ),
        (
            {"scope": "Strategy", "volatility": VOLATILITY},
            '[0].scope: "Strategy" is not allowed; expected Symbol for this volatility check',
        ),
        ({"scope": "Strategy", "drawdown": PRICE}, '[0].scope: "Strategy" is not allowed; expected Symbol'),
        ({"scope": "Symbol", "drawdown": EQUITY}, '[0].scope: "Symbol" is not allowed; expected Strategy'),
        ({"scope": "Strategy", "concentration": CONCENTRATION}, "expected Pipeline for this concentration check"),
        ({"scope": "Pipeline", "frequency": FREQUENCY}, "expected Symbol or Strategy for this frequency check"),
        (
            {"scope": "Symbol", "volatility": VOLATILITY, "hold": "15m", "action": "Halt"},
            '[0].hold: "15m" is not allowed; expected no hold with action Halt, only with Block',
        ),
        (
            {"scope": "Symbol", "volatility": {"threshold": "5%", "window": {"sessions": 1, "duration": "30m"}}},
            '[0].volatility.window: ["sessions", "duration"] is not allowed; expected exactly one of sessions, dur',
        ),
        (
            {"scope": "Symbol", "volatility": {"threshold": "5%", "window": {"duration": "14m"}}},
            '[0].volatility.window.duration: "14m" is not allowed; expected at least 15 times the grid of 1m',
        ),
        (
            {"scope": "Symbol", "frequency": {"limit": 3, "window": {"sessions": 1}}},
            '[0].frequency.window: {"sessions": 1} is not allowed; expected a duration',
        ),
    ],
)
def test_rules_that_cannot_be_judged_are_refused_by_name(rule: dict[str, object], message: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        policy(rule)
    assert message in str(refusal.value)
    assert "RiskPolicy house: spec.rules[0]" in str(refusal.value)


def test_names_of_rules_are_unique_in_a_policy() -> None:
    rule: dict[str, object] = {"scope": "Symbol", "volatility": VOLATILITY}
    with pytest.raises(ManifestError, match=r'spec\.rules\[1\]\.name: "a" is not allowed'):
        policy(rule, rule)


@pytest.mark.parametrize(
    ("operator", "values"), [("In", []), ("NotIn", []), ("Exists", ["x"]), ("DoesNotExist", ["x"])]
)
def test_values_of_a_selector_fit_its_operator(operator: str, values: list[str]) -> None:
    requirement = {"key": "desk", "operator": operator, "values": values}
    with pytest.raises(ManifestError, match=rf"selector\.matchExpressions\[0\]\.values.*with operator {operator}"):
        policy({"scope": "Symbol", "volatility": VOLATILITY}, selector={"matchExpressions": [requirement]})


def test_a_config_map_holds_at_most_one_mebibyte_in_all() -> None:
    half = "x" * 600_000
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}, "data": {"a": half, "b": half}}
    with pytest.raises(ManifestError, match=r'data: "1200000 bytes" is not allowed; expected at most 1048576 bytes'):
        parse(json.dumps(document), "test.yaml")


def test_what_is_not_said_has_the_documented_default() -> None:
    found = strategy()
    assert isinstance(found, Strategy)
    assert found.metadata.namespace == "default"
    assert found.spec.pipeline_ref.name == "default"
    assert found.spec.mode is Mode.SHADOW
    assert found.spec.universe.include == ()
    assert found.spec.scaling.replicas is None


def test_symbols_are_normalised_to_upper_case() -> None:
    found = strategy(universe={"include": [{"symbols": ["600000.sh", "if2101.cf"]}]})
    assert isinstance(found, Strategy)
    assert found.spec.universe.include[0].symbols == ("600000.SH", "IF2101.CF")


def test_resources_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Code(builtin="a").builtin = "b"  # type: ignore[misc]


@pytest.mark.parametrize(("text", "expected"), [("500ms", 500_000_000), ("30s", 30 * 10**9), ("15m", 900 * 10**9)])
def test_a_duration_is_a_whole_number_of_nanoseconds(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("5%", 500), ("12.5%", 1250), ("0.01%", 1), ("0.29%", 29), ("100%", 10_000)]
)
def test_a_percentage_is_a_whole_number_of_basis_points(text: str, expected: int) -> None:
    assert basis_points(text) == expected


@pytest.mark.parametrize("text", ["", "1s\n", "0s", "1", "1.5s"])
def test_what_is_no_duration_has_no_length(text: str) -> None:
    with pytest.raises(ContractError, match="500ms, 30s, 15m or 1h"):
        nanoseconds(text)


@pytest.mark.parametrize("text", ["", "5%\n", "0%", "5", "100.01%"])
def test_what_is_no_percentage_has_no_basis_points(text: str) -> None:
    with pytest.raises(ContractError, match="above 0% and up to 100%"):
        basis_points(text)
