"""From the plan to programs of this machine: how each process is run, and in which order they end."""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from dfp.features.catalog import DEFAULT
from dfp.local.mistake import UserMistake
from dfp.local.options import Options
from dfp.local.probe import http_probe
from dfp.local.resolve import Resolved
from dfp.local.supervisor import Program
from dfp_operator.plan.pipeline import plan_pipeline
from dfp_operator.plan.problem import PlanError
from dfp_operator.plan.process import ProcessSpec
from dfp_operator.plan.settings import PipelineSettings

SHARED_PROCESSES = 7
"""Collector, features, aggregator, risk guard, api, streamer, gateway; engines come on top."""


def plan(
    options: Options, resolved: Resolved, redis_url: str, health_ports: Sequence[int], reference: Sequence[Path]
) -> tuple[ProcessSpec, ...]:
    """The processes of the run.

    Args:
        reference: tables of reference data.
        health_ports: free ones, at least `processes(resolved)`.

    Raises:
        UserMistake: the manifests cannot be run together.
    """
    settings = PipelineSettings(
        redis_url=redis_url,
        feed=options.source.value,
        feed_options=options.feed_options(),
        features=(*DEFAULT, *resolved.needs),
        reference_data=tuple(str(path.absolute()) for path in reference),
        stream_prefix=options.prefix,
        frame_rows=options.frame_rows,
        api_port=options.api_port,
        streamer_port=options.ws_port,
        gateway_port=options.http_port,
        health_ports=health_ports,
    )
    try:
        return plan_pipeline(settings, resolved.strategies, resolved.files, resolved.policies)
    except PlanError as error:
        raise UserMistake(str(error)) from None


def processes(resolved: Resolved) -> int:
    """How many processes a plan has at most."""
    return SHARED_PROCESSES + len(resolved.strategies)


def program(spec: ProcessSpec, logs: Path) -> Program:
    """How a process is run here: by this interpreter, so that nothing depends on PATH."""
    return Program(
        name=spec.name,
        command=(sys.executable, "-m", "dfp.cli", *spec.command[1:]),
        # Unbuffered, so that the last words of a killed service are in its log.
        environment={**spec.environment, "PYTHONUNBUFFERED": "1"},
        log=logs / f"{spec.name}.log",
        probe=http_probe(spec.readiness.port, spec.readiness.path, spec.environment["DFP_HEALTH_HOST"]),
        grace_s=float(spec.grace_seconds),
    )


def stop_groups(specs: Sequence[ProcessSpec]) -> list[list[str]]:
    """Names of the processes that end together, group after group."""
    ordered = sorted(specs, key=lambda spec: spec.stop_order)
    return [[spec.name for spec in group] for _, group in itertools.groupby(ordered, lambda spec: spec.stop_order)]
