"""Engines: one for each strategy, so that no strategy can stop another."""

from collections.abc import Mapping

from dfp_operator.api.pod import EnvironmentVariable
from dfp_operator.api.strategy import Strategy
from dfp_operator.plan.code import code_reference
from dfp_operator.plan.problem import PlanError
from dfp_operator.plan.process import ProcessSpec, stage, to_json
from dfp_operator.plan.settings import PipelineSettings

GROUP_LABEL = "dongfengpo.io/group"
"""Strategies on the same features err together: those of one group count as one witness for an opportunity."""


def engine(pipeline: PipelineSettings, strategy: Strategy, files: Mapping[str, str], health_port: int) -> ProcessSpec:
    """The engine of one strategy.

    Args:
        files: strategy name -> path of its source file, see `code_reference`.

    Raises:
        PlanError: its code is not there, or a variable needs a Secret.
    """
    name = strategy.metadata.name
    spec = strategy.spec
    own = {
        **{variable.name: _value(name, variable) for variable in spec.pod.env},
        "DFP_STRATEGY": name,
        "DFP_STRATEGY_CODE": code_reference(strategy, files),
        "DFP_STRATEGY_PARAMETERS": to_json(dict(spec.parameters)),
        "DFP_STRATEGY_UNIVERSE": to_json(spec.universe.model_dump(mode="json", by_alias=True, exclude_none=True)),
        "DFP_STRATEGY_MODE": spec.mode.value,
        "DFP_STRATEGY_GROUP": strategy.metadata.labels.get(GROUP_LABEL, ""),
    }
    return stage("engine", pipeline, health_port, own, name=f"engine-{name}")


def _value(strategy: str, variable: EnvironmentVariable) -> str:
    if variable.value is None:
        assert variable.value_from is not None
        secret = variable.value_from.secret_key_ref.name
        raise PlanError(
            f"Strategy {strategy}: spec.pod.env: {variable.name} comes from Secret {secret}, and a plan of processes "
            "has no Secrets; give it a value"
        )
    return variable.value
