"""Which path leads where, and with which headers its answers go out."""

from pathlib import Path
from typing import Any, TypeAlias

from dfp.gateway import problems, upstreams
from dfp.gateway.settings import GatewaySettings

Json: TypeAlias = dict[str, Any]

LARGEST_BODY = 64 * 1024

API_NOUNS = (
    "opportunities",
    "outcomes",
    "signals",
    "strategies",
    "halts",
    "risk",
    "symbols",
    "market",
    "pipeline",
    "version",
    "health",
    "openapi.json",
)
API_PATHS = [path for noun in API_NOUNS for path in (f"/{noun}", f"/{noun}/*")]

PRIVATE_PATHS = ["/metrics", "/metrics/*", "/api/metrics", "/api/metrics/*"]
"""Figures of a service are for those who run it; they ask its own port."""

PAGE_POLICY = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'"
"""The page loads nothing from anywhere else. `ws:` is named because not every browser counts it to 'self'."""

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""An answer of the API is no page, whatever a browser takes it for."""

HSTS = "max-age=31536000"


def door(settings: GatewaySettings, site: Path) -> list[Json]:
    """Routes of the door; the first that matches answers."""
    tls = settings.tls_certificate is not None
    rest = [{"handle": [_headers(tls, DATA_POLICY), _limit(), _compress()]}, *upstreams.rest(settings)]
    without_prefix = {"handler": "rewrite", "strip_path_prefix": "/api"}
    page = [
        _headers(tls, PAGE_POLICY, {"Cache-Control": ["no-cache"]}),
        _compress(),
        {"handler": "file_server", "root": str(site)},
    ]
    return [
        {
            "match": [{"path": ["/ws/*"], "method": ["GET"]}],
            "handle": [_headers(tls), *upstreams.stream(settings)],
            "terminal": True,
        },
        _route(PRIVATE_PATHS, [_headers(tls, DATA_POLICY), problems.answer(404)]),
        _route(["/api", "/api/*", *API_PATHS], [without_prefix, {"handler": "subroute", "routes": rest}]),
        {"handle": page},
    ]


def errors(settings: GatewaySettings) -> list[Json]:
    """Routes that answer when those of the door failed."""
    return [{"handle": [_headers(settings.tls_certificate is not None, DATA_POLICY)]}, *problems.routes()]


def health() -> list[Json]:
    """Routes of the health port. The gateway is ready when it serves: its upstreams have probes of their own."""
    serving = {"handler": "static_response", "status_code": 200, "body": "serving\n"}
    other = {"handler": "static_response", "status_code": 404, "body": "paths: /health/live, /health/ready, /metrics\n"}
    return [
        _route(["/health/live", "/health/ready"], [serving]),
        _route(["/metrics"], [{"handler": "metrics"}]),
        {"handle": [other]},
    ]


def _route(paths: list[str], handlers: list[Json]) -> Json:
    return {"match": [{"path": paths}], "handle": handlers, "terminal": True}


def _limit() -> Json:
    return {"handler": "request_body", "max_size": LARGEST_BODY}


def _compress() -> Json:
    return {"handler": "encode", "encodings": {"zstd": {}, "gzip": {}}, "prefer": ["zstd", "gzip"]}


def _headers(tls: bool, policy: str | None = None, more: Json | None = None) -> Json:
    """Headers of every answer, set when it is written, so that an upstream's own do not stand beside them."""
    made = {"X-Content-Type-Options": ["nosniff"], "Referrer-Policy": ["no-referrer"], **(more or {})}
    if policy is not None:
        made["Content-Security-Policy"] = [policy]
    if tls:
        made["Strict-Transport-Security"] = [HSTS]
    return {"handler": "headers", "response": {"deferred": True, "set": made, "delete": ["Server", "Via"]}}
