"""A process of the pipeline: the level at which Kubernetes and one machine still are the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dfp_operator.plan.settings import PipelineSettings

STAGE_GRACE_SECONDS = 10
"""A stage finishes its batch and its last commit, for which it takes 5 s at most; twice that."""

DOOR_GRACE_SECONDS = 10
"""A door finishes the requests under way, for which it takes 2 s at most; before, the streamer sends its clients away
over 5 s."""

STOP_ORDER = ("collector", "features", "engine", "aggregator", "risk-guard", "api", "streamer", "gateway")
"""The source first, the door last, so that everything that was read still reaches the clients; the guard after the
aggregator, which publishes nothing without it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question over HTTP: 200 means yes."""

    path: str
    port: int


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process that should run.

    Attributes:
        name: unique in the pipeline and stable: it is the process's identity towards Redis.
        service: what `dfp run` calls it.
        command: program and arguments; never a secret, a URL or an option, they would show in `ps`.
        environment: everything that the service is told.
        ports: port name -> number; `health`, and `http` where the service is a door.
        liveness: no means that only a restart can help.
        readiness: no means that it does no work yet.
        stop_order: processes with a smaller number are stopped, and have ended, before.
        grace_seconds: from the request to end until it is killed.
    """

    name: str
    service: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    liveness: Probe
    readiness: Probe
    stop_order: int
    grace_seconds: int


def stage(
    service: str, pipeline: PipelineSettings, health_port: int, own: Mapping[str, str], name: str | None = None
) -> ProcessSpec:
    """A process that works on the log.

    Args:
        own: environment that only this service reads.
        name: when the service runs more than once.
    """
    ports = {"health": health_port}
    return _process(service, pipeline, ports, own, name or service, STAGE_GRACE_SECONDS)


def door(
    service: str, pipeline: PipelineSettings, health_port: int, http_port: int, own: Mapping[str, str]
) -> ProcessSpec:
    """A process that clients talk to.

    Args:
        own: environment that only this service reads.
    """
    ports = {"health": health_port, "http": http_port}
    http = {"DFP_HTTP_HOST": pipeline.host, "DFP_HTTP_PORT": str(http_port)}
    return _process(service, pipeline, ports, {**http, **own}, service, DOOR_GRACE_SECONDS)


def reference_environment(pipeline: PipelineSettings) -> dict[str, str]:
    """What a service is told that reads reference data."""
    return {"DFP_REFERENCE_DATA": to_json(list(pipeline.reference_data))}


def to_json(value: object) -> str:
    """JSON that is the same for equal values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _process(
    service: str,
    pipeline: PipelineSettings,
    ports: Mapping[str, int],
    own: Mapping[str, str],
    name: str,
    grace_seconds: int,
) -> ProcessSpec:
    common = {
        "DFP_REDIS_URL": pipeline.redis_url,
        "DFP_STREAM_PREFIX": pipeline.stream_prefix,
        "DFP_PARTITION": "0",
        "DFP_INSTANCE": name,
        "DFP_HEALTH_HOST": pipeline.host,
        "DFP_HEALTH_PORT": str(ports["health"]),
        "DFP_LOG_FORMAT": pipeline.log_format,
    }
    return ProcessSpec(
        name=name,
        service=service,
        command=("dfp", "run", service),
        environment={**own, **common},
        ports=ports,
        liveness=Probe("/health/live", ports["health"]),
        readiness=Probe("/health/ready", ports["health"]),
        stop_order=STOP_ORDER.index(service),
        grace_seconds=grace_seconds,
    )
