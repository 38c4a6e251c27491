"""Parsing of manifests: what a folder may hold, and what people are told."""

import textwrap

import pytest

from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.documents import MAX_CHARACTERS, MAX_DEPTH
from dfp_operator.api.manifest import ManifestError, parse, parse_all
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Mode, Strategy

FOLDER = """
apiVersion: dongfengpo.io/v1alpha1
kind: Strategy
metadata: {name: momentum, namespace: alpha, labels: {desk: cn-equity}}
spec:                                  # pipelineRef defaults to {name: default}
  mode: Live
  code: {configMap: {name: momentum-code}, entryPoint: "momentum:Breakout"}
  parameters: {min_ratio: 2.0, horizon: 10m}
  universe: {include: [{board: STAR}, {symbols: [600000.SH]}], exclude: [{status: ST}]}
  scaling: {type: Auto, min: 1, max: 4, targetFreshness: 500ms}
  promotion:
    gates:
    - {name: backtest, backtest: {dataset: a-share-2025, maxDrawdown: "12%"}}
    - {name: shadow, shadow: {sessions: 3, minSignals: 50}}
  alerts: {staleAfter: 2s, backlogAbove: 5000}
  pod: {resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {memory: 512Mi}}}
---
---
apiVersion: dongfengpo.io/v1alpha1
kind: RiskPolicy
metadata: {name: house, namespace: alpha}
spec:
  selector: {}
  enforcement: Enforce
  rules:
  - name: volatility
    scope: Symbol
    volatility: {threshold: "5%", window: {sessions: 1}, grid: 1m}
    action: Block
    hold: 15m
  - {name: drawdown, scope: Strategy, drawdown: {threshold: "8%", window: {sessions: 20}, basis: Equity}, action: Halt}
  - {name: concentration, scope: Pipeline, concentration: {threshold: "30%", measure: LargestShare}, action: Alert}
  - {name: frequency, scope: Strategy, frequency: {limit: 120, window: {duration: 1m}}, action: Block}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: momentum-code, namespace: alpha}
data:
  momentum.py: |
    class Breakout: ...
"""


def strategy(spec: str, name: str = "momentum") -> str:
    head = f"apiVersion: dongfengpo.io/v1alpha1\nkind: Strategy\nmetadata: {{name: {name}}}\nspec:\n"
    return head + textwrap.indent(textwrap.dedent(spec), "  ")


def refusal(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        parse(text, "a.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    return lines


def test_the_manifests_of_the_documentation_are_read_as_written() -> None:
    strategy, policy, config_map = parse(FOLDER, "folder.yaml")
    assert isinstance(strategy, Strategy)
    assert isinstance(policy, RiskPolicy)
    assert isinstance(config_map, ConfigMap)
    assert strategy.spec.mode is Mode.LIVE
    assert strategy.spec.parameters == {"min_ratio": 2.0, "horizon": "10m"}
    assert strategy.spec.code.module == "momentum"
    assert [rule.name for rule in policy.spec.rules] == ["volatility", "drawdown", "concentration", "frequency"]
    assert config_map.data["momentum.py"] == "class Breakout: ...\n"


def test_a_resource_written_as_json_is_read_back_as_the_same_resource() -> None:
    for manifest in parse(FOLDER, "folder.yaml"):
        assert parse(manifest.model_dump_json(by_alias=True), "again.json") == [manifest]


@pytest.mark.parametrize("text", ["", "\n", "---\n---\n", "# nothing\n", "null\n"])
def test_a_text_without_documents_has_no_manifests(text: str) -> None:
    assert parse(text, "a.yaml") == []


def test_every_problem_of_every_document_and_file_is_listed() -> None:
    bad = (
        strategy("mode: live\ncode: {builtin: momentum}\nscaling: {min: 0, max: many}\n") + "---\nkind: Job\n---\n[1]\n"
    )
    with pytest.raises(ManifestError) as caught:
        parse_all({"a.yaml": bad, "b.yaml": strategy("{}", "other"), "c.yaml": "a: *b"})
    assert [(p.source, p.document, p.resource, p.path) for p in caught.value.problems] == [
        ("a.yaml", 1, "Strategy momentum", "spec.mode"),
        ("a.yaml", 1, "Strategy momentum", "spec.scaling.min"),
        ("a.yaml", 1, "Strategy momentum", "spec.scaling.max"),
        ("a.yaml", 2, "Job", "kind"),
        ("a.yaml", 3, "", ""),
        ("b.yaml", 1, "Strategy other", "spec.code"),
        ("c.yaml", 1, "", ""),
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "mode: live\ncode: {builtin: a}",
            'spec.mode: "live" is not allowed; expected one of Live, Shadow, Paused; did you mean Live?',
        ),
        (
            "moed: Live\ncode: {builtin: a}",
            'spec.moed: unknown field (value "Live"); expected one of pipelineRef, mode, code, parameters, universe',
        ),
        ("moed: Live\ncode: {builtin: a}", "scaling, promotion, alerts, pod; did you mean mode?"),
        ("pipeline_ref: {}\ncode: {builtin: a}", "did you mean pipelineRef?"),
        ("replicas: 3\ncode: {builtin: a}", "did you mean spec.scaling.replicas?"),
        (
            'code: {configMap: {name: a, entryPoint: "a:B"}}',
            'unknown field (value "a:B"); expected one of name, key; did you mean spec.code.entryPoint?',
        ),
        (
            "code: {builtin: a}\nalerts: {staleAfter: 2}",
            "spec.alerts.staleAfter: 2 is not allowed; expected a whole number with",
        ),
        ("{}", "spec.code: missing; expected a mapping with builtin, configMap, artifact, entryPoint"),
        (
            "code: {builtin: a}\npod: [1]",
            "spec.pod: [1] is not allowed; expected a mapping with resources, nodeSelector",
        ),
        (
            "code: {builtin: a}\nparameters: {a-b: 1}",
            'spec.parameters: key "a-b" is not allowed; expected a Python name',
        ),
        (
            "code: {builtin: a}\nparameters:",
            "spec.parameters: null is not allowed; expected a mapping of at most 64 ent",
        ),
        (
            "code: {builtin: a}\npod: {nodeSelector: {a.b/c: 1}}",
            'spec.pod.nodeSelector["a.b/c"]: 1 is not allowed; expected a label value',
        ),
        (
            "code: {builtin: a}\nuniverse: {include: [{symbols: [000001]}]}",
            'spec.universe.include[0].symbols[0]: "000001" is not allowed; expected a code and its market',
        ),
        (
            'code: {builtin: a}\nuniverse: {include: [{board: "star"}]}',
            'include[0].board: "star" is not allowed; expected one of Main, STAR, ChiNext, Beijing; did you mean STAR?',
        ),
        (
            "code: {builtin: a}\nparameters: {a: .nan}",
            "spec.parameters.a: .nan is not allowed; expected a finite number",
        ),
        (
            "code: {builtin: a}\nparameters: {a: 1e999}",
            "spec.parameters.a: 1e999 is not allowed; expected a finite number",
        ),
        ("code: {builtin: a}\nparameters: {a: -.Inf}", "spec.parameters.a: -.Inf is not allowed; expected a finite"),
        ("code: {builtin: a}\nparameters: {a: .NaN}", "spec.parameters.a: .NaN is not allowed; expected a finite"),
        (
            "code: {builtin: a}\nmode: Live\nmode: Paused",
            'spec.mode: "Paused" is the second value, on line 7; expected one',
        ),
        ("code: {builtin: a}\nparameters: {1: a}", "spec.parameters: key 1 is not allowed; expected text: quote it"),
        (
            "code: {builtin: a}\nparameters: {[x]: a}",
            'spec.parameters: key ["x"] is not allowed; expected text: quote it',
        ),
    ],
)
def test_a_problem_names_the_field_the_value_what_is_allowed_and_what_was_meant(spec: str, message: str) -> None:
    (line,) = refusal(strategy(spec))
    assert line.startswith("a.yaml, document 1: Strategy momentum: spec")
    assert message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: strategy", 'kind: "strategy" is not allowed; expected one of Strategy (dongfengpo.io/v1alpha1), '),
        ("kind: strategy", "RiskPolicy (dongfengpo.io/v1alpha1), ConfigMap (v1); did you mean Strategy?"),
        ("kind: 1", "kind: 1 is not allowed; expected one of Strategy"),
        ("spec: {}", "kind: missing; expected one of Strategy"),
        ("just text", '"just text" is not allowed; expected a mapping with apiVersion, kind, metadata'),
        ("- a", '["a"] is not allowed; expected a mapping'),
    ],
)
def test_an_unknown_kind_is_named_with_what_is_allowed(text: str, message: str) -> None:
    (line,) = refusal(text)
    assert message in line


def test_an_unknown_api_version_is_named_with_what_is_allowed() -> None:
    line, *_ = refusal("apiVersion: dongfengpo.io/v1\nkind: Strategy")
    assert line.endswith('Strategy: apiVersion: "dongfengpo.io/v1" is not allowed; expected dongfengpo.io/v1alpha1')
    line, *_ = refusal("kind: ConfigMap")
    assert line.endswith("ConfigMap: apiVersion: missing; expected v1")


def test_a_list_with_wrong_items_is_not_called_too_short_as_well() -> None:
    policy = "apiVersion: dongfengpo.io/v1alpha1\nkind: RiskPolicy\nmetadata: {name: a}\nspec: {rules: [{}]}"
    assert [line.partition("RiskPolicy a: ")[2].partition(":")[0] for line in refusal(policy)] == [
        "spec.rules[0].name",
        "spec.rules[0].scope",
        "spec.rules[0].action",
    ]


@pytest.mark.parametrize("second", ["momentum", "momentum, namespace: default"])
def test_a_resource_may_stand_only_once_also_across_files(second: str) -> None:
    text = strategy("code: {builtin: a}")
    with pytest.raises(ManifestError) as caught:
        parse_all({"a.yaml": text, "b.yaml": strategy("code: {builtin: b}", second)})
    assert str(caught.value) == (
        'b.yaml, document 1: Strategy momentum: metadata.name: "momentum" is already in namespace default '
        "(a.yaml, document 1); expected each Strategy once"
    )


def test_equal_names_of_other_kinds_or_namespaces_are_no_duplicates() -> None:
    same_name = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: momentum}\n"
    text = "\n---\n".join(
        [strategy("code: {builtin: a}"), strategy("code: {builtin: a}", "momentum, namespace: b"), same_name]
    )
    assert len(parse(text, "a.yaml")) == 3


def test_control_characters_of_a_manifest_do_not_reach_the_terminal() -> None:
    (line,) = refusal('kind: "a\\e[2J\\nb"')
    assert line.isprintable()


def test_a_long_value_is_shortened_in_messages() -> None:
    (line,) = refusal(strategy("code: {builtin: a}\nmode: " + "x" * 10_000))
    assert len(line) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:30", "10:30"),
        ("2024-06-01", "2024-06-01"),
        ("000001", "000001"),
        ("yes", True),
        ("Off", False),
        ("0", 0),
        ("-12", -12),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.50", 1.5),
        ("'1'", "1"),
        ("~", None),
        ("", None),
        ("<<", "<<"),
        ("0x10", "0x10"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("|\n    text\n", "text\n"),
    ],
)
def test_plain_words_are_read_as_kubectl_reads_them(text: str, expected: object) -> None:
    (found,) = parse(strategy("code: {builtin: a}\nparameters:\n  a: " + text), "a.yaml")
    assert isinstance(found, Strategy)
    assert found.spec.parameters == {"a": expected}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "document 1: line 2: alias *x is not allowed; write the value out"),
        ("a: !!python/object:os.system x", "line 1: tags (!…) are not allowed; quote a value to make it text"),
        ("a: !!binary x", "tags (!…) are not allowed"),
        ("- ! x", "tags (!…) are not allowed"),
        ("--- !!map\na: b", "tags (!…) are not allowed"),
        ("[" * 2000, f"line 1: nested deeper than {MAX_DEPTH} levels"),
        ("a: b: c", "line 1: not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "line 2: not YAML: found character '\\t' that cannot start any token"),
        ("a: {", "not YAML: "),
        ("a\0b", "position 1: character U+0000 is not allowed in YAML"),
        ('a: "\\UFFFFFFFF"', "not YAML: a number in an escape or directive is too large"),
        ('a: "\\U00110000"', "not YAML: a number in an escape or directive is too large"),
        ('a: "\\ud800"', "line 1: half of a surrogate pair is not allowed"),
        ("%YAML 2.0\n---\na", "not YAML: "),
        (
            "x" * (MAX_CHARACTERS + 1),
            f"a.yaml: {MAX_CHARACTERS + 1} characters are too many; expected at most {MAX_CHARACTERS}: split",
        ),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    (line,) = refusal(text)
    assert line.startswith("a.yaml")
    assert message in line


def test_nesting_as_deep_as_allowed_is_read() -> None:
    deep = "[" * (MAX_DEPTH - 3) + "]" * (MAX_DEPTH - 3)
    assert len(parse(strategy("code: {builtin: a}\nparameters: {a: " + deep + "}"), "a.yaml")) == 1


def test_documents_before_an_unreadable_one_are_judged_too() -> None:
    lines = refusal(strategy("mode: live\ncode: {builtin: a}") + "\n---\na: *x\n")
    assert ["spec.mode" in lines[0], "document 2: line" in lines[1]] == [True, True]
