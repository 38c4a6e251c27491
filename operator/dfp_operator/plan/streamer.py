"""The signal streamer: opportunities over WebSocket."""

from dfp_operator.plan.process import ProcessSpec, door
from dfp_operator.plan.settings import PipelineSettings


def streamer(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The WebSocket door."""
    return door("streamer", pipeline, health_port, pipeline.streamer_port, {})
