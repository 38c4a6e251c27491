"""The feature pipeline: computes once what all strategies need."""

from dfp_operator.plan.process import ProcessSpec, stage, to_json
from dfp_operator.plan.settings import PipelineSettings


def features(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The process that computes the pipeline's features."""
    return stage("features", pipeline, health_port, {"DFP_FEATURES": to_json(sorted(set(pipeline.features)))})
