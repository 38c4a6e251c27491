"""Every field of the resources: values that it takes, values that it refuses, and that no field was forgotten here."""

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.manifest import ManifestError, parse
from dfp_operator.api.model import Model
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Strategy

GROUP = "dongfengpo.io/v1alpha1"
STRATEGY = {
    "apiVersion": GROUP,
    "kind": "Strategy",
    "metadata": {"name": "momentum"},
    "spec": {"code": {"builtin": "momentum"}},
}
POLICY = {
    "apiVersion": GROUP,
    "kind": "RiskPolicy",
    "metadata": {"name": "house"},
    "spec": {
        "rules": [
            {"name": "a", "scope": "Symbol", "volatility": {"threshold": "5%"}, "action": "Block"},
            {"name": "b", "scope": "Symbol", "drawdown": {"threshold": "8%", "basis": "Price"}, "action": "Block"},
            {"name": "c", "scope": "Pipeline", "concentration": {"threshold": "30%"}, "action": "Alert"},
            {
                "name": "d",
                "scope": "Strategy",
                "frequency": {"limit": 120, "window": {"duration": "1m"}},
                "action": "Block",
            },
        ]
    },
}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}}

NAMES = (("a", "a-1", "0", "a" * 63), ("", "A", "-a", "a-", "a.b", "a_b", "a" * 64, "a\n", 1, None, ["a"]))
SUBDOMAINS = (("a", "a.b-c.d", "a" * 253), ("", "A", ".a", "a..b", "a" * 254, 1))
LABELS: tuple[tuple[object, ...], tuple[object, ...]] = (
    ({}, {"desk": "cn-equity"}, {"example.org/desk": ""}, {"a": "A_b.c"}, {str(n): "x" for n in range(64)}),
    (
        {"a b": "x"},
        {"-a": "x"},
        {"a/b/c": "x"},
        {"a": "x y"},
        {"a": "x" * 64},
        {"a": 1},
        {"a" * 64: "x"},
        ["a"],
        "a",
        {str(n): "x" for n in range(65)},
    ),
)
DURATIONS = (("500ms", "30s", "15m", "1h", "1s"), ("0s", "1", "1d", "1.5s", "-1s", "1 s", "1h30m", "", 30, None, "٣s"))
PERCENTS = (
    ("5%", "0.01%", "12.5%", "100%", "100.00%"),
    ("0%", "0.00%", "101%", "5", "-5%", "1.234%", "05%", "", 5, 0.05),
)
SYMBOLS = (("600000.SH", "000001.sz", "920000.BJ", "IF2101.CF"), ("600000", "600000.XX", ".SH", "6000 00.SH", 600000))
DATA_KEYS = (("momentum.py", "a", ".a", "A_b-c"), ("", ".", "..", "../a", "a/b", "a b", "a" * 254, 1))


def terms(count: int) -> list[dict[str, object]]:
    return [{"board": "STAR"}] * count


def gates(count: int) -> list[dict[str, object]]:
    return [{"name": f"g{n}", "shadow": {"sessions": 1}} for n in range(count)]


def rules(count: int) -> list[dict[str, object]]:
    return [{**POLICY["spec"]["rules"][0], "name": f"r{n}"} for n in range(count)]  # type: ignore[index]


def variables(count: int) -> list[dict[str, object]]:
    return [{"name": f"V{n}", "value": ""} for n in range(count)]


@dataclass(frozen=True)
class Case:
    """A field, values it takes and refuses, and what has to stand beside it for that (`None` takes a field away)."""

    path: str
    accepted: tuple[object, ...]
    refused: tuple[object, ...]
    beside: Mapping[str, object] = field(default_factory=dict)


def integers(low: int, high: int) -> tuple[tuple[object, ...], tuple[object, ...]]:
    return (low, high), (low - 1, high + 1, str(low), low + 0.5, True, None)


def choices(*values: str) -> tuple[tuple[object, ...], tuple[object, ...]]:
    return values, (values[0].upper() + "X", values[0].swapcase(), "", 1, None, [values[0]])


METADATA = (
    Case("metadata.namespace", *NAMES),
    Case("metadata.labels", *LABELS),
    Case(
        "metadata.annotations",
        ({"example.org/note": "free text\n"}, {"a": "x" * 262_144}),
        ({"a": "x" * 262_145}, {"a": 1}, {"a b": ""}),
    ),
)
ARTIFACT = {"spec.code.builtin": None, "spec.code.entryPoint": "momentum:Breakout"}
CODE = {"spec.code.builtin": None, "spec.code.entryPoint": "momentum:Breakout", "spec.code.configMap.name": "code"}
SECRET = {"spec.pod.env[0].name": "TOKEN", "spec.pod.env[0].valueFrom.secretKeyRef": {"name": "broker", "key": "token"}}
EXISTS = {"spec.pod.tolerations[0].operator": "Exists"}
EQUAL = {"spec.pod.tolerations[0].key": "a"}
QUANTITIES = (("250m", "1", 1, "256Mi", "2Gi", "1k"), ("", "-1", "1.5", 0.5, "1 Gi", "1g", "Mi", True, None))

STRATEGY_CASES = (
    Case("apiVersion", (GROUP,), ("v1", "dongfengpo.io/v1", "", 1, None)),
    Case("kind", ("Strategy",), ("strategy", "Pipeline", "", 1, None)),
    Case("metadata.name", *NAMES),
    *METADATA,
    Case("spec.pipelineRef.name", *NAMES),
    Case("spec.mode", *choices("Live", "Shadow", "Paused")),
    Case("spec.code.builtin", ("momentum", "a.b-c_d", "x" * 63), ("", "a:b", "a b", "x" * 64, 1)),
    Case("spec.code.configMap.name", *SUBDOMAINS, CODE),
    Case("spec.code.configMap.key", *DATA_KEYS, CODE),
    Case(
        "spec.code.artifact.reference",
        ("registry.example.org/quant/momentum:3", "example.org:5000/a/b@sha256:" + "0" * 64),
        ("", "momentum", "https://example.org/a", "example.org/a@sha256:12", "example.org/" + "a" * 500, 1),
        ARTIFACT,
    ),
    Case("spec.code.entryPoint", ("a:B", "_a1:_B1"), ("", "a", "a:", ":B", "a:B:C", "a-b:C", "1a:B", "a.b:C", 1), CODE),
    Case(
        "spec.parameters",
        ({}, {"min_ratio": 2.0, "horizon": "10m", "deep": {"a": [None, True, 1e300]}}, {f"p{n}": n for n in range(64)}),
        ({"a-b": 1}, {"1a": 1}, {"a" * 64: 1}, {f"p{n}": n for n in range(65)}, [1], None, {"a": "x" * 65_536}),
    ),
    Case("spec.universe.include", ([], terms(32)), (terms(33), {}, None, [[]], [{}])),
    Case("spec.universe.exclude", ([], terms(32)), (terms(33), {}, None, [[]], [{}])),
    *(
        case
        for side in ("include", "exclude")
        for case in (
            Case(
                f"spec.universe.{side}[0].symbols",
                tuple([s] for s in SYMBOLS[0]),
                ([], "600000.SH", *([s] for s in SYMBOLS[1]), ["600000.SH"] * 8001),
            ),
            Case(f"spec.universe.{side}[0].board", *choices("Main", "STAR", "ChiNext", "Beijing")),
            Case(f"spec.universe.{side}[0].index", *SYMBOLS),
            Case(f"spec.universe.{side}[0].status", *choices("ST")),
        )
    ),
    Case("spec.scaling.type", *choices("Auto", "Manual")),
    Case("spec.scaling.min", *integers(1, 64)),
    Case("spec.scaling.max", *integers(1, 64)),
    Case("spec.scaling.targetFreshness", *DURATIONS),
    Case("spec.scaling.targetBacklog", *integers(1, 1_000_000_000)),
    Case("spec.scaling.replicas", *integers(0, 64), {"spec.scaling.type": "Manual"}),
    Case("spec.promotion.gates", ([], gates(8)), (gates(9), {}, None)),
    Case("spec.promotion.gates[0].name", *NAMES, {"spec.promotion.gates[0].shadow.sessions": 1}),
    *(
        Case(f"spec.promotion.gates[0].{proof}", values[0], values[1], {"spec.promotion.gates[0].name": "a", **beside})
        for proof, values, beside in (
            ("backtest.dataset", NAMES, {}),
            ("backtest.maxDrawdown", PERCENTS, {"spec.promotion.gates[0].backtest.dataset": "a"}),
            ("shadow.sessions", integers(1, 250), {}),
            ("shadow.minSignals", integers(0, 1_000_000_000), {"spec.promotion.gates[0].shadow.sessions": 1}),
        )
    ),
    Case("spec.alerts.staleAfter", *DURATIONS),
    Case("spec.alerts.backlogAbove", *integers(0, 1_000_000_000)),
    Case("spec.alerts.noSignalFor", *DURATIONS),
    *(
        Case(f"spec.pod.resources.{part}.{resource}", *QUANTITIES)
        for part in ("requests", "limits")
        for resource in ("cpu", "memory")
    ),
    Case("spec.pod.nodeSelector", *LABELS),
    Case("spec.pod.tolerations", ([], [{"operator": "Exists"}] * 16), ([{"operator": "Exists"}] * 17, {}, None)),
    Case("spec.pod.tolerations[0].key", ("dedicated", "example.org/a"), ("", "a b", "a/b/c", 1), EXISTS),
    Case("spec.pod.tolerations[0].operator", *choices("Equal", "Exists"), EQUAL),
    Case("spec.pod.tolerations[0].value", ("", "a", "x" * 63), ("a b", "x" * 64, 1), EQUAL),
    Case("spec.pod.tolerations[0].effect", *choices("NoSchedule", "PreferNoSchedule", "NoExecute"), EXISTS),
    Case(
        "spec.pod.tolerations[0].tolerationSeconds",
        *integers(0, 604_800),
        {**EXISTS, "spec.pod.tolerations[0].effect": "NoExecute"},
    ),
    Case("spec.pod.priorityClassName", *SUBDOMAINS),
    Case("spec.pod.env", ([], variables(64)), (variables(65), {}, None)),
    Case(
        "spec.pod.env[0].name",
        ("TOKEN", "_a1", "DFPX"),
        ("", "1A", "A-B", "A=B", "DFP_REDIS_URL", "REDIS_URL", "PYTHONPATH", "A" * 201, 1),
        {"spec.pod.env[0].value": "x"},
    ),
    Case(
        "spec.pod.env[0].value", ("", "x" * 4096, "a\nb"), ("x" * 4097, "a\0b", 1, True), {"spec.pod.env[0].name": "A"}
    ),
    Case("spec.pod.env[0].valueFrom.secretKeyRef.name", *SUBDOMAINS, SECRET),
    Case("spec.pod.env[0].valueFrom.secretKeyRef.key", *DATA_KEYS, SECRET),
)

POLICY_CASES = (
    Case("apiVersion", (GROUP,), ("v1", "", 1, None)),
    Case("kind", ("RiskPolicy",), ("Risk", "", 1, None)),
    Case("metadata.name", *NAMES),
    *METADATA,
    Case("spec.pipelineRef.name", *NAMES),
    Case("spec.selector.matchLabels", *LABELS),
    Case(
        "spec.selector.matchExpressions",
        ([], [{"key": "a", "operator": "Exists"}] * 64),
        ([{"key": "a", "operator": "Exists"}] * 65, {}, None),
    ),
    Case(
        "spec.selector.matchExpressions[0].key",
        ("desk", "example.org/desk"),
        ("", "a b", 1, None),
        {"spec.selector.matchExpressions[0].operator": "Exists"},
    ),
    Case(
        "spec.selector.matchExpressions[0].operator",
        *choices("Exists", "DoesNotExist"),
        {"spec.selector.matchExpressions[0].key": "a"},
    ),
    Case(
        "spec.selector.matchExpressions[0].values",
        (["a"], ["a"] * 64),
        ([], ["a"] * 65, ["a b"], [1], "a", None),
        {"spec.selector.matchExpressions[0].key": "a", "spec.selector.matchExpressions[0].operator": "In"},
    ),
    Case("spec.enforcement", *choices("Enforce", "Observe")),
    Case("spec.rules", (rules(1), rules(32)), ([], rules(33), {}, None)),
    Case("spec.rules[0].name", *NAMES),
    Case("spec.rules[3].scope", ("Symbol", "Strategy"), ("Pipeline", "symbol", "", 1, None)),
    Case("spec.rules[0].action", *choices("Alert", "Block", "Halt")),
    Case("spec.rules[0].hold", *DURATIONS),
    Case("spec.rules[0].volatility.threshold", *PERCENTS),
    Case("spec.rules[0].volatility.window.sessions", (1,), (0, 2, 250)),
    Case("spec.rules[0].volatility.window.duration", ("15m", "30m", "1h"), ("14m", "1s", *DURATIONS[1])),
    Case("spec.rules[0].volatility.grid", *DURATIONS),
    Case("spec.rules[1].drawdown.threshold", *PERCENTS),
    Case("spec.rules[1].drawdown.window.sessions", *integers(1, 250)),
    Case("spec.rules[1].drawdown.window.duration", *DURATIONS),
    Case("spec.rules[1].drawdown.basis", ("Price",), ("price", "", 1, None)),
    Case("spec.rules[2].concentration.threshold", *PERCENTS),
    Case("spec.rules[2].concentration.measure", *choices("LargestShare", "Herfindahl", "LargestSector")),
    Case("spec.rules[2].concentration.minActive", *integers(1, 1_000_000)),
    Case("spec.rules[3].frequency.limit", *integers(1, 1_000_000)),
    Case("spec.rules[3].frequency.window.duration", *DURATIONS),
    Case("spec.rules[3].frequency.window.sessions", (), (1, 0), {"spec.rules[3].frequency.window.duration": None}),
)

TEXTS: tuple[tuple[object, ...], tuple[object, ...]] = (
    ({}, {"momentum.py": "x = 1\n"}),
    ({"a/b": ""}, {"..": ""}, {"a": 1}, {"a": "x" * 1_048_577}, [], None),
)
CONFIG_MAP_CASES = (
    Case("apiVersion", ("v1",), ("v2", GROUP, 1, None)),
    Case("kind", ("ConfigMap",), ("Configmap", 1, None)),
    Case("metadata.name", *SUBDOMAINS),
    *METADATA,
    Case("metadata.creationTimestamp", (None, "2025-01-02T03:04:05Z"), (1, "x" * 64)),
    Case("data", (*TEXTS[0], {str(n): "" for n in range(256)}), (*TEXTS[1], {str(n): "" for n in range(257)})),
    Case("binaryData", (*TEXTS[0], {str(n): "" for n in range(256)}), (*TEXTS[1], {str(n): "" for n in range(257)})),
    Case("immutable", (True, False), ("true", 1, None)),
)

KINDS: tuple[tuple[type[Model], dict[str, Any], tuple[Case, ...]], ...] = (
    (Strategy, STRATEGY, STRATEGY_CASES),
    (RiskPolicy, POLICY, POLICY_CASES),
    (ConfigMap, CONFIG_MAP, CONFIG_MAP_CASES),
)


def steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def put(document: Any, path: str, value: object, *, remove: bool = False) -> None:
    """Set a field, making what is missing on the way."""
    here = document
    *way, last = steps(path)
    for step, following in zip(way, steps(path)[1:], strict=True):
        if isinstance(here, list) and step == len(here):
            here.append({})
        elif isinstance(here, dict) and step not in here:
            here[step] = [] if isinstance(following, int) else {}
        here = here[step]
    if remove:
        here.pop(last, None)
    else:
        here[last] = value


def document(base: dict[str, Any], case: Case, value: object) -> str:
    made = copy.deepcopy(base)
    for path, beside in case.beside.items():
        put(made, path, beside, remove=beside is None)
    put(made, case.path, value)
    return json.dumps(made)


def fields(root: dict[str, Any], node: dict[str, Any] | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of a schema that is not a mere group of fields."""
    node = root if node is None else node
    raw = node
    if "anyOf" in node:
        node = node["anyOf"][0]
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    if prefix and "properties" not in node and not prefix.endswith("[]"):
        yield prefix, raw
    if "items" in node:
        yield from fields(root, node["items"], f"{prefix}[]")
    for name, child in node.get("properties", {}).items():
        yield from fields(root, child, f"{prefix}.{name}" if prefix else name)


def table(which: str) -> list[Any]:
    return [
        pytest.param(base, case, value, id=f"{model.__name__}:{case.path}:{number}:{json.dumps(value)[:24]}")
        for model, base, cases in KINDS
        for case in cases
        for number, value in enumerate(getattr(case, which))
        if value is not None or which == "accepted" or normal(case.path) not in nullable(model)
    ]


def normal(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


@functools.cache
def nullable(model: type[Model]) -> frozenset[str]:
    """Optional fields: null is as good as absent there."""
    return frozenset(
        path for path, node in fields(model.model_json_schema()) if {"type": "null"} in node.get("anyOf", [])
    )


@pytest.mark.parametrize(("base", "case", "value"), table("accepted"))
def test_a_field_takes_what_its_constraint_allows(base: dict[str, Any], case: Case, value: object) -> None:
    assert len(parse(document(base, case, value), "test.yaml")) == 1


@pytest.mark.parametrize(("base", "case", "value"), table("refused"))
def test_a_field_refuses_what_its_constraint_forbids(base: dict[str, Any], case: Case, value: object) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse(document(base, case, value), "test.yaml")
    paths = [problem.path for problem in refusal.value.problems]
    first = re.sub(r"\[\d+\]$", "", case.path)
    assert any(path.startswith(first) or first.startswith(path) for path in paths), paths
    assert "expected" in str(refusal.value)


@pytest.mark.parametrize(("model", "base", "cases"), KINDS)
def test_every_field_of_every_schema_is_in_the_table(
    model: type[Model], base: dict[str, Any], cases: tuple[Case, ...]
) -> None:
    tried = {normal(case.path) for case in cases if case.refused}
    assert {path for path, _ in fields(model.model_json_schema())} == tried


@pytest.mark.parametrize("model", [Strategy, RiskPolicy, ConfigMap])
def test_every_text_list_mapping_and_number_has_a_bound(model: type[Model]) -> None:
    schema = model.model_json_schema()
    bounds = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    for path, node in fields(schema):
        plain = node["anyOf"][0] if "anyOf" in node else node
        if "enum" in plain or "const" in plain or "$ref" in plain:
            continue
        bound = bounds.get(plain["type"], "maxProperties")
        assert plain["type"] == "boolean" or bound in plain, path
