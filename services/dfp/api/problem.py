"""Errors as RFC 9457 problem details: what was wrong, where, and what is allowed."""

import http
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

MEDIA_TYPE = "application/problem+json"


class Mistake(msgspec.Struct, frozen=True):
    """One wrong field of a request.

    Attributes:
        field: its name, in the query or the path.
        value: what was sent.
        allowed: what is allowed there.
    """

    field: str
    value: Any
    allowed: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error answer; `title` is the status in words, `detail` is for the person who reads it."""

    status: int
    title: str
    detail: str
    errors: list[Mistake] = []


def problem(
    status: int, detail: str, errors: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """An error answer."""
    body = Problem(status, http.HTTPStatus(status).phrase, detail, list(errors))
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


def mistaken(mistakes: Sequence[Mistake]) -> Response:
    """The answer to a request with wrong fields."""
    detail = "; ".join(
        f"{found.field}: {found.value!r:.200} is not allowed, expected {found.allowed}" for found in mistakes
    )
    return problem(422, detail, mistakes)


async def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return mistaken([_mistake(found) for found in error.errors()])


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    detail = f"{request.method:.20} {request.url.path:.200}: {error.detail}"
    return problem(error.status_code, detail, headers=headers)


async def _on_bug(_: Request, __: Exception) -> Response:
    # The traceback goes to the log (uvicorn writes it); it is nobody's business outside.
    return problem(500, "an error in the service itself; its log has the details")


def _methods(request: Request) -> list[str]:
    """The methods of all routes that a path has; Starlette names those of the first one only."""
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return sorted(found)


def _mistake(found: Mapping[str, Any]) -> Mistake:
    """What pydantic found, in our words where its own do not say what is allowed."""
    field = str(found["loc"][-1])
    value = found["input"]
    if found["type"] == "extra_forbidden":
        return no_such_parameter(field, value)
    if found["type"] == "json_invalid":
        return Mistake("body", "", f"JSON ({found['ctx']['error']})")
    if found["type"] == "missing":
        return Mistake(field, None, "a value")
    allowed = found["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return Mistake(field, _shown(value), allowed.rpartition("; expected ")[2])


def no_such_parameter(name: str, value: Any) -> Mistake:
    """A name that means nothing here."""
    return Mistake(name[:80], _shown(value), "no such parameter; see /openapi.json")


def _shown(value: Any) -> Any:
    """What was sent, as far as it is of use to see it again."""
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, int | float | bool) or value is None else repr(value)[:200]
