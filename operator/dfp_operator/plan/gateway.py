"""The gateway: one door in front of the others."""

from dfp_operator.plan.process import ProcessSpec, door, to_json
from dfp_operator.plan.settings import PipelineSettings


def gateway(pipeline: PipelineSettings, health_port: int, streamer_health_port: int) -> ProcessSpec:
    """The door that people use."""
    own = {
        "DFP_API_UPSTREAMS": to_json([f"{pipeline.host}:{pipeline.api_port}"]),
        "DFP_STREAMER_UPSTREAMS": to_json([f"{pipeline.host}:{pipeline.streamer_port}"]),
        "DFP_STREAMER_HEALTH_PORT": str(streamer_health_port),
    }
    return door("gateway", pipeline, health_port, pipeline.gateway_port, own)
