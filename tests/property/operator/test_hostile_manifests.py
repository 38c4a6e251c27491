"""Whatever the text, the answer is manifests or a ManifestError with printable lines."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dfp_operator.api.manifest import ManifestError, parse
from dfp_operator.api.model import Model
from dfp_operator.api.strategy import Strategy

YAML_PIECES = st.sampled_from(
    [
        *"a|>-?:,[]{}#&*!'\"%@`=~\t\n \x00\ufeff\x85\u2028\\\ud800东",
        *(
            "a: ",
            "- ",
            "? ",
            "|- ",
            "&a ",
            "*a ",
            "!!int ",
            "!!set ",
            "!!timestamp ",
            "!<x> ",
            "<<: ",
            "\n  ",
            "\n---\n",
        ),
        *("\n...\n", "%YAML ", "%TAG ", '"\\x0"', '"\\U00110000"', ".nan", ".Inf", "1e999", "0o7", "1_0", "10:30"),
        *("kind: Strategy\n", "apiVersion: dongfengpo.io/v1alpha1\n", "metadata: ", "spec: ", "code: "),
    ]
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
VALID: dict[str, Any] = {
    "Strategy": {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "Strategy",
        "metadata": {"name": "momentum", "labels": {"desk": "a"}},
        "spec": {
            "code": {"configMap": {"name": "code"}, "entryPoint": "a:B"},
            "parameters": {"a": 1.5},
            "universe": {"include": [{"symbols": ["600000.SH"]}, {"board": "STAR"}]},
            "scaling": {"type": "Auto", "min": 1, "max": 2},
            "promotion": {"gates": [{"name": "a", "shadow": {"sessions": 1}}]},
            "pod": {"env": [{"name": "A", "value": "x"}], "tolerations": [{"operator": "Exists"}]},
        },
    },
    "RiskPolicy": {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "RiskPolicy",
        "metadata": {"name": "house"},
        "spec": {
            "selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
            "rules": [
                {"name": "a", "scope": "Symbol", "volatility": {"threshold": "5%"}, "action": "Block", "hold": "1m"},
                {
                    "name": "b",
                    "scope": "Strategy",
                    "frequency": {"limit": 1, "window": {"duration": "1m"}},
                    "action": "Halt",
                },
            ],
        },
    },
    "ConfigMap": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}, "data": {"a.py": "x"}},
}


def outcome(text: str) -> list[Any]:
    try:
        return parse(text, "hostile.yaml")
    except ManifestError as error:
        refused = error
    lines = str(refused).split("\n")
    assert len(lines) == len(refused.problems) > 0
    for line in lines:
        assert line.startswith("hostile.yaml")
        assert line.isprintable()
        assert "pydantic" not in line
    return []


@settings(deadline=None)
@given(st.text() | st.lists(YAML_PIECES, max_size=30).map("".join))
@example("? [a, b]\n: c")
@example("{a: {b: {c: d}, b: 1}, a: 2}")
@example("%YAML 1." + "1" * 5000 + "\n---\na")
@example("%TAG ! x\n--- !a b")
@example("9" * 5000)
@example("[" * 100_000)
@example("- " * 100_000)
@example("{a: " * 5000)
@example("\n---" * 1000)
def test_any_text_is_read_or_refused(text: str) -> None:
    outcome(text)


@settings(deadline=None)
@given(PLAIN)
def test_any_value_in_place_of_a_document_is_read_or_refused(value: object) -> None:
    outcome(yaml.safe_dump(value))


@settings(deadline=None)
@given(st.data())
def test_any_value_in_place_of_any_part_of_a_resource_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(json.dumps(VALID[data.draw(st.sampled_from(sorted(VALID)))]))
    here: Any = document
    while True:
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here)))))
        if not here[key] or not isinstance(here[key], dict | list) or data.draw(st.booleans()):
            break
        here = here[key]
    if isinstance(here, dict) and data.draw(st.booleans()):
        here[data.draw(st.text(max_size=8))] = data.draw(PLAIN)
    else:
        here[key] = data.draw(PLAIN)
    for manifest in outcome(json.dumps(document)):
        assert isinstance(manifest, Model)


PARAMETER_NAMES = st.from_regex(r"\A[a-z_][a-z0-9_]{0,10}\Z")
TEXTS = st.text(max_size=8).filter(lambda text: "\x7f" not in text)  # JSON leaves DEL as it is, and YAML has no DEL
PARAMETERS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(PARAMETER_NAMES, PARAMETERS, max_size=5))
def test_parameters_are_read_as_they_were_written(parameters: dict[str, Any]) -> None:
    document = {**VALID["Strategy"], "spec": {"code": {"builtin": "a"}, "parameters": parameters}}
    (manifest,) = parse(json.dumps(document), "parameters.json")
    assert isinstance(manifest, Strategy)
    assert manifest.spec.parameters == parameters


def test_a_bomb_of_aliases_is_refused_before_it_expands() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ManifestError, match=r"line 2: alias \*a0 is not allowed"):
        parse("\n".join(levels), "bomb.yaml")
