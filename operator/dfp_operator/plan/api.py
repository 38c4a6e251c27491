"""The signal API: opportunities over REST."""

from dfp_operator.plan.process import ProcessSpec, door
from dfp_operator.plan.settings import PipelineSettings


def api(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The REST door."""
    return door("api", pipeline, health_port, pipeline.api_port, {})
