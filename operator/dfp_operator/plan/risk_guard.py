"""The risk guard: features in, verdicts out; it also audits what is published."""

from dfp_operator.plan.process import ProcessSpec, reference_environment, stage
from dfp_operator.plan.settings import PipelineSettings


def risk_guard(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The pipeline's one risk guard."""
    return stage("risk-guard", pipeline, health_port, reference_environment(pipeline))
