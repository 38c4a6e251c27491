"""Errors as RFC 9457 problem details: what was wrong, where, and what is allowed."""

import http
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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


async def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = [_mistake(found) for found in error.errors()]
    detail = "; ".join(f"{found.field}: {found.value!r} is not allowed, expected {found.allowed}" for found in mistakes)
    return problem(422, detail, mistakes)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return problem(error.status_code, detail, headers=error.headers)


async def _on_bug(_: Request, __: Exception) -> Response:
    # The traceback goes to the log (uvicorn writes it); it is nobody's business outside.
    return problem(500, "an error in the service itself; its log has the details")


def _mistake(found: dict[str, Any]) -> Mistake:
    """What pydantic found, in our words where its own do not say what is allowed."""
    field = str(found["loc"][-1])
    value = found["input"]
    if found["type"] == "extra_forbidden":
        return Mistake(field, value, "no such parameter; see /openapi.json")
    allowed = found["msg"].removeprefix("Input should be ")
    return Mistake(field, value, allowed.rpartition("; expected ")[2])
