"""The REST application. It talks to nothing by itself: memory, probes and the way to Redis are handed in."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry

from dfp.api import described, problem
from dfp.api.context import Context
from dfp.api.inquiry import Inquiry, Unreachable
from dfp.api.limits import Limits
from dfp.api.memory import Memory
from dfp.api.metrics import Inside, Position, Requests
from dfp.api.routes import halts, opportunities, pipeline, risk, service, signals, strategies, symbols
from dfp.api.strict import StrictRoute
from dfp.runtime.probes import Health

DESCRIPTION = """\
Opportunities, signals, risk and market of one pipeline. All times are UTC nanoseconds and all prices yuan. Lists are
newest first and go on with `cursor`. Errors are problem details (RFC 9457): field, value, and what is allowed."""


def create_app(
    memory: Memory, inquiry: Inquiry, health: Health, version: str, feeds: Iterable[Position] = ()
) -> FastAPI:
    """The application.

    Args:
        feeds: whose positions are shown as metrics.
    """
    # The interactive pages load scripts from outside; this service must work on a machine without internet.
    app = FastAPI(title="dongfengpo signal-api", version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.router.route_class = StrictRoute
    problem.install(app)
    app.add_exception_handler(Unreachable, _on_unreachable)
    context = Context(memory, inquiry, health, version)
    registry = CollectorRegistry()
    registry.register(Inside(memory, feeds))
    for subject in (opportunities, signals, strategies, halts, risk, symbols, pipeline):
        subject.install(app, context)
    service.install(app, context, registry)
    app.add_middleware(Limits)
    app.add_middleware(Requests, registry=registry)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described.document(app, context.answers, DESCRIPTION)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


async def _on_unreachable(request: Request, error: Exception) -> Response:
    # A halt or a release whose answer was lost.
    told = "" if request.method == "GET" else ". It may have been done: GET /halts tells, and a repeat does no harm"
    return problem.problem(503, f"{error}; try again in a moment{told}", headers={"Retry-After": "1"})
