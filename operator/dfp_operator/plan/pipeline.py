"""The plan of one pipeline."""

from collections.abc import Iterator, Mapping, Sequence

from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Mode, Strategy
from dfp_operator.plan.aggregator import aggregator
from dfp_operator.plan.api import api
from dfp_operator.plan.collector import collector
from dfp_operator.plan.engine import engine
from dfp_operator.plan.features import features
from dfp_operator.plan.gateway import gateway
from dfp_operator.plan.problem import PlanError
from dfp_operator.plan.process import ProcessSpec
from dfp_operator.plan.risk_guard import risk_guard
from dfp_operator.plan.settings import PipelineSettings
from dfp_operator.plan.streamer import streamer


def plan_pipeline(
    pipeline: PipelineSettings,
    strategies: Sequence[Strategy],
    files: Mapping[str, str],
    policies: Sequence[RiskPolicy] = (),
) -> tuple[ProcessSpec, ...]:
    """Every process of a pipeline; the same for the same resources in any order.

    Engines come last: a strategy more or less moves no port of another service, and so restarts none.

    Args:
        strategies: all strategies of the pipeline; paused ones get no process.
        files: strategy name -> path of its source file, for every strategy that is not built in.
        policies: all policies of the pipeline; without any there is no risk guard.

    Raises:
        PlanError: the resources belong to several pipelines, one lacks its code, or the ports do not suffice.
    """
    _refuse_strangers(strategies, policies)
    ports = _health_ports(pipeline)
    running = sorted(
        (strategy for strategy in strategies if strategy.spec.mode is not Mode.PAUSED),
        key=lambda strategy: strategy.metadata.name,
    )
    guard = (risk_guard,) if policies else ()
    stages = [component(pipeline, next(ports)) for component in (collector, features, aggregator, *guard, api)]
    watched = streamer(pipeline, next(ports))
    return (
        *stages,
        watched,
        gateway(pipeline, next(ports), watched.readiness.port),
        *(engine(pipeline, strategy, files, next(ports)) for strategy in running),
    )


def _refuse_strangers(strategies: Sequence[Strategy], policies: Sequence[RiskPolicy]) -> None:
    pipelines: dict[str, str] = {}
    names: set[str] = set()
    resources: list[Strategy | RiskPolicy] = [*strategies, *policies]
    for resource in sorted(resources, key=lambda one: (one.metadata.namespace, one.metadata.name)):
        metadata, name = resource.metadata, f"{resource.kind} {resource.metadata.name}"
        pipelines.setdefault(f"{metadata.namespace}/{resource.spec.pipeline_ref.name}", name)
        if name in names:
            raise PlanError(f"{name}: metadata.name stands twice; expected each name once in a plan")
        names.add(name)
    if len(pipelines) > 1:
        found = ", ".join(f"{pipeline} ({resource})" for pipeline, resource in pipelines.items())
        raise PlanError(
            f"resources belong to {len(pipelines)} pipelines: {found}; expected one metadata.namespace and one "
            "spec.pipelineRef.name in a plan: start each pipeline by itself"
        )


def _health_ports(pipeline: PipelineSettings) -> Iterator[int]:
    doors = (pipeline.api_port, pipeline.streamer_port, pipeline.gateway_port)
    if len(set(doors)) < len(doors):
        raise PlanError(f"ports of api, streamer and gateway: {doors} are not allowed; expected three different ports")
    taken = set(doors)
    for port in pipeline.health_ports:
        if port not in taken:
            taken.add(port)
            yield port
    raise PlanError(
        f"health_ports: {len(taken) - len(doors)} are too few; expected one for each process beside the ports {doors}"
    )
