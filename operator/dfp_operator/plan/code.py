"""Where the code of a strategy lies, found without reading or importing any of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.problems import did_you_mean, one_of, shown
from dfp_operator.api.strategy import Strategy
from dfp_operator.plan.problem import PlanError


@dataclass(frozen=True, slots=True)
class CodeFile:
    """Source that has to lie in a file before an engine can load it.

    Attributes:
        name: file name, the entry point's module and `.py`.
        text: content.
        helpers: file name -> content of the ConfigMap's other Python files, which it may import.
    """

    name: str
    text: str
    helpers: Mapping[str, str] = field(default_factory=dict)


def code_file(strategy: Strategy, config_maps: Sequence[ConfigMap]) -> CodeFile | None:
    """The source of a strategy whose code is in a ConfigMap; None when it is built in.

    Raises:
        PlanError: the ConfigMap or its key is not among `config_maps`, or the code is an artifact.
    """
    code = strategy.spec.code
    where = f"Strategy {strategy.metadata.name}: spec.code"
    if code.artifact is not None:
        raise PlanError(
            f"{where}.artifact: {shown(code.artifact.reference)} is mounted by Kubernetes only; "
            "expected builtin or configMap on one machine"
        )
    if code.config_map is None:
        return None
    namespace = strategy.metadata.namespace
    nearby = {item.metadata.name: item.data for item in config_maps if item.metadata.namespace == namespace}
    wanted, file_name = code.config_map.name, f"{code.module}.py"
    key = code.config_map.key or file_name
    if wanted not in nearby:
        expected = one_of(sorted(nearby)) if nearby else f"a ConfigMap in namespace {namespace}; none is given"
        raise PlanError(
            f"{where}.configMap.name: {shown(wanted)} is not there; expected {expected}{did_you_mean(wanted, nearby)}"
        )
    data = nearby[wanted]
    if key not in data:
        expected = one_of(sorted(data)) if data else f"a key in ConfigMap {wanted}, which has no data"
        raise PlanError(
            f"{where}.configMap.key: {shown(key)} is not there; expected {expected}{did_you_mean(key, data)}"
        )
    helpers = {name: text for name, text in data.items() if name.endswith(".py") and name not in (key, file_name)}
    return CodeFile(file_name, data[key], helpers)


def code_reference(strategy: Strategy, files: Mapping[str, str]) -> str:
    """What an engine loads: `entrypoint:NAME` or `file:PATH:Class`.

    Args:
        files: strategy name -> path of its source file, for every strategy that is not built in.

    Raises:
        PlanError: the strategy is not built in and has no file.
    """
    code = strategy.spec.code
    if code.builtin is not None:
        return f"entrypoint:{code.builtin}"
    name = strategy.metadata.name
    if name not in files:
        raise PlanError(
            f"Strategy {name}: spec.code: its source file is not there; expected one of the files of the plan"
        )
    return f"file:{files[name]}:{code.class_name}"
