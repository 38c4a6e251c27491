"""Errors of the gateway itself, as the RFC 9457 problem documents that the API's own errors are.

Two are not ours to word: Go's HTTP server answers headers beyond the limit (431) and requests that are no HTTP (400)
by itself, in plain text.
"""

import http
import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MEDIA_TYPE = "application/problem+json"
UNREACHABLE = "no instance of the service behind the gateway is reachable; try again in a moment"

DETAILS = {
    404: "there is no such page or path; the API describes its own under /openapi.json",
    405: "the page can only be read: GET and HEAD are allowed",
    413: "the body of the request is larger than 64 KiB, which is the most that is allowed",
    502: "the service behind the gateway broke its answer off; whether the request took effect is not known",
    503: UNREACHABLE,
    504: "the service behind the gateway took the request and did not answer in time; "
    "whether the request took effect is not known",
}


def routes() -> list[Json]:
    """What answers when a handler failed; first match wins."""
    # Not even connected: that is the same for the client as no instance at all, and nothing was sent.
    not_connected = {"vars_regexp": {"{http.error.message}": {"pattern": "^dial "}}}
    return [
        _route(not_connected, 503),
        *(_route({"vars": {"{http.error.status_code}": [str(status)]}}, status) for status in DETAILS),
        {"handle": [_otherwise()]},
    ]


def answer(status: int) -> Json:
    """The handler that answers with a problem."""
    body = {"status": status, "title": http.HTTPStatus(status).phrase, "detail": DETAILS[status]}
    headers = {"Content-Type": [MEDIA_TYPE], "Cache-Control": ["no-store"]}
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = ["1"]
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": json.dumps(body)}


def _route(match: Json, status: int) -> Json:
    return {"match": [match], "handle": [answer(status)], "terminal": True}


def _otherwise() -> Json:
    body = '{"status": {http.error.status_code}, "title": "{http.error.status_text}", "detail": "the gateway failed"}'
    return {
        "handler": "static_response",
        "status_code": "{http.error.status_code}",
        "headers": {"Content-Type": [MEDIA_TYPE], "Cache-Control": ["no-store"]},
        "body": body,
    }
