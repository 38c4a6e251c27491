"""The opportunity aggregator: signals of all strategies in, opportunities out."""

from dfp_operator.plan.process import ProcessSpec, reference_environment, stage
from dfp_operator.plan.settings import PipelineSettings


def aggregator(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The pipeline's one aggregator."""
    return stage("aggregator", pipeline, health_port, reference_environment(pipeline))
