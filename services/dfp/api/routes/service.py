"""The service itself: probes, version, metrics."""

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest

from dfp.api import answers
from dfp.api.context import Context, answer
from dfp.api.described import text
from dfp.api.inquiry import Unreachable


def install(app: FastAPI, context: Context, registry: CollectorRegistry) -> None:
    """Add the routes."""
    health = context.health

    @app.get(
        "/health/live",
        summary="Whether the service's loop turns",
        operation_id="get_liveness",
        tags=["service"],
        response_class=Response,
        responses=text("serving\n", unready=True),
    )
    async def live() -> Response:
        """503 when only a restart can help."""
        return Response(f"{health.state}\n", 200 if health.live() else 503, media_type="text/plain")

    @app.get(
        "/health/ready",
        summary="Whether the service has caught up with the log",
        operation_id="get_readiness",
        tags=["service"],
        response_class=Response,
        responses=text("serving\n", unready=True),
    )
    async def ready() -> Response:
        """503 while the log is being read, or Redis is away; what is in memory is answered all the same."""
        return Response(f"{health.state}\n", 200 if health.ready else 503, media_type="text/plain")

    @app.get(
        "/version",
        summary="Program, version and feed",
        operation_id="get_version",
        tags=["service"],
        response_class=Response,
        responses=context.answers(answers.Version, answers.Version("dongfengpo", context.version, "replay")),
    )
    async def about() -> Response:
        """`feed` says where ticks come from, so that replayed or synthetic ones are never taken for the market."""
        try:
            feed = await context.inquiry.feed_name()
        except Unreachable:
            feed = None
        return answer(answers.Version("dongfengpo", context.version, feed))

    @app.get(
        "/metrics",
        summary="Metrics for Prometheus",
        operation_id="get_metrics",
        tags=["service"],
        response_class=Response,
        responses=text('dfp_api_requests_total{method="GET",route="/opportunities",status="200"} 1.0\n'),
    )
    async def metrics() -> Response:
        """Requests and their latencies by route, positions of the feeds, sizes of what is remembered."""
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_PLAIN_1_0_0})
