"""The collector: one feed in, the log of record out."""

from dfp_operator.plan.process import ProcessSpec, reference_environment, stage, to_json
from dfp_operator.plan.settings import PipelineSettings


def collector(pipeline: PipelineSettings, health_port: int) -> ProcessSpec:
    """The pipeline's one collector."""
    own = {
        **reference_environment(pipeline),
        "DFP_FEED": pipeline.feed,
        "DFP_FEED_OPTIONS": to_json(dict(pipeline.feed_options)),
        "DFP_FRAME_ROWS": pipeline.frame_rows,
    }
    return stage("collector", pipeline, health_port, own)
