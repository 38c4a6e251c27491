"""What a plan needs to know beside the resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Settings of one pipeline. Services check what they get; here it only passes through.

    Attributes:
        redis_url: Redis or Valkey of the pipeline.
        feed: where ticks come from.
        feed_options: options of that feed, plain JSON.
        features: what the strategies need, and the default list; order and repetition do not matter.
        reference_data: paths of tables of reference data.
        stream_prefix: first part of every stream and key name.
        frame_rows: size of frames: a number, or random:SEED in tests.
        log_format: json or console.
        host: address that every port is bound to.
        api_port, streamer_port, gateway_port: the doors.
        health_ports: taken in this order, the doors' left out; on one machine those that are free.
    """

    redis_url: str
    feed: Literal["replay", "synthetic", "raw_ticks"]
    feed_options: Mapping[str, object] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    reference_data: tuple[str, ...] = ()
    stream_prefix: str = "dfp"
    frame_rows: str = "512"
    log_format: Literal["json", "console"] = "json"
    host: str = "127.0.0.1"
    api_port: int = 8000
    streamer_port: int = 8100
    gateway_port: int = 8888
    health_ports: Sequence[int] = range(9100, 65_536)
