"""Metrics of the API, in a registry of their own."""

import time
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Protocol, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Send

from dfp.api.memory import Memory

METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

Scope: TypeAlias = MutableMapping[str, Any]


class Position(Protocol):
    """A feed, as far as metrics go."""

    stream: str

    @property
    def seq(self) -> int:
        """Number of the last entry that was read."""


class Requests:
    """Counts and times requests, around an ASGI application. What cannot be routed is one route, `none`.

    Args:
        registry: takes the metrics.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._count = Counter("dfp_api_requests", "Requests", ("method", "route", "status"), registry=registry)
        self._latency = Histogram(
            "dfp_api_request_seconds", "From head to last byte", ("route",), registry=registry, buckets=BUCKETS
        )
        # Finding a child by its labels costs five times what counting does.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def note_status(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route: str = getattr(scope.get("route"), "path", "none")
        key = (scope["method"], route, status)
        children = self._children.get(key)
        if children is None:
            method = scope["method"] if scope["method"] in METHODS else "other"
            children = self._count.labels(method, route, str(status)), self._latency.labels(route)
            if method != "other":
                self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)


class Inside(Collector):
    """What the service knows of itself, looked up when it is asked for."""

    def __init__(self, memory: Memory, feeds: Iterable[Position]) -> None:
        self.memory = memory
        self.feeds = tuple(feeds)

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        position = GaugeMetricFamily("dfp_api_feed_position", "Last entry that was read", labels=["stream"])
        for feed in self.feeds:
            position.add_metric([feed.stream], feed.seq)
        yield position
        items = GaugeMetricFamily("dfp_api_memory_items", "Documents that are remembered", labels=["store"])
        limit = GaugeMetricFamily("dfp_api_memory_limit", "Documents that are remembered at most", labels=["store"])
        for name, size in self.memory.sizes():
            items.add_metric([name], size.items)
            limit.add_metric([name], size.limit)
        yield items
        yield limit
        columns = GaugeMetricFamily("dfp_api_memory_columns_bytes", "Set aside for ticks and bars", labels=["table"])
        columns.add_metric(["ticks"], self.memory.market.ticks.bytes())
        columns.add_metric(["bars"], self.memory.market.bars.bytes())
        yield columns
