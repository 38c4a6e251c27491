"""Health of a service, as Kubernetes and `dfp up` ask for it."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

STALLED_AFTER_S = 30.0
"""A loop that has not turned for so long is stuck; a restart is the only cure that a probe can order."""

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Health:
    """What a service knows of itself.

    Liveness is about its own loop and never about Redis: restarting every pod when Redis is down would help nobody.
    Readiness is about the work: connected, owner of its stage, caught up.

    Attributes:
        metrics: gives the text of /metrics, for a service that has metrics.
    """

    state: str = "starting"
    ready: bool = False
    turned: float = field(default_factory=time.monotonic)
    metrics: Callable[[], Awaitable[bytes]] | None = None

    def turn(self) -> None:
        """The loop went round."""
        self.turned = time.monotonic()

    def become(self, state: str, *, ready: bool = False) -> None:
        """Enter a state, named for people."""
        self.state = state
        self.ready = ready
        self.turn()

    def live(self) -> bool:
        """Whether the loop turned lately."""
        return time.monotonic() - self.turned < STALLED_AFTER_S


class HealthApp:
    """The ASGI application behind the health port.

    /health/live and /health/ready answer 200 or 503 with the state in words; /metrics is for Prometheus.
    """

    def __init__(self, health: Health) -> None:
        self.health = health

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        health = self.health
        path = scope["path"]
        if path == "/metrics" and health.metrics is not None:
            await _answer(send, 200, await health.metrics(), METRICS_TYPE)
            return
        good = {"/health/live": health.live(), "/health/ready": health.ready}.get(path)
        status = 404 if good is None else 200 if good else 503
        body = b"paths: /health/live, /health/ready\n" if good is None else f"{health.state}\n".encode()
        await _answer(send, status, body, b"text/plain; charset=utf-8")


async def _answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
