"""Renders the gateway's Caddy configuration, in Caddy's own JSON."""

import json
from pathlib import Path
from typing import Any, TypeAlias

from dfp.gateway.settings import GatewaySettings

Json: TypeAlias = dict[str, Any]

GRACE = "3s"
"""For requests under way when the gateway stops; below the time after which its supervisor kills it."""

API_PATHS = ["/opportunities", "/opportunities/*", "/health/*", "/version", "/openapi.json"]

PAGE_POLICY = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'"
"""The page loads nothing from anywhere else. `ws:` is named because not every browser counts it to 'self'."""


def render(settings: GatewaySettings, site: Path) -> str:
    """The whole configuration: REST, WebSocket and page behind one port, probes behind another.

    Args:
        site: folder of the page's files.
    """
    config = {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"writer": {"output": "stdout"}, "level": "WARN"}}},
        "apps": {
            "http": {
                "grace_period": GRACE,
                "servers": {
                    "door": {
                        "listen": [_address(settings.http_host, settings.http_port)],
                        "protocols": ["h1"],
                        "automatic_https": {"disable": True},
                        "routes": _routes(settings, site),
                        "errors": {"routes": [_on_error()]},
                    },
                    "health": {
                        "listen": [_address(settings.health_host, settings.health_port)],
                        "protocols": ["h1"],
                        "automatic_https": {"disable": True},
                        "routes": [_health()],
                    },
                },
            }
        },
    }
    return json.dumps(config, indent=2)


def _routes(settings: GatewaySettings, site: Path) -> list[Json]:
    api = _proxy(settings.api_upstreams)
    return [
        {"match": [{"path": ["/ws/*"]}], "handle": [_proxy(settings.streamer_upstreams)], "terminal": True},
        {
            "match": [{"path": ["/api/*"]}],
            "handle": [{"handler": "rewrite", "strip_path_prefix": "/api"}, _compress(), api],
            "terminal": True,
        },
        {"match": [{"path": API_PATHS}], "handle": [_compress(), api], "terminal": True},
        {"handle": [_page_headers(), _compress(), {"handler": "file_server", "root": str(site)}]},
    ]


def _proxy(upstreams: list[str]) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream} for upstream in upstreams],
        # A door that restarts is away for a moment; a request waits for it rather than fail.
        "load_balancing": {"selection_policy": {"policy": "least_conn"}, "try_duration": "2s", "try_interval": "100ms"},
    }


def _compress() -> Json:
    return {"handler": "encode", "encodings": {"zstd": {}, "gzip": {}}, "prefer": ["zstd", "gzip"]}


def _page_headers() -> Json:
    return {
        "handler": "headers",
        "response": {
            "set": {
                "Cache-Control": ["no-cache"],
                "Content-Security-Policy": [PAGE_POLICY],
                "X-Content-Type-Options": ["nosniff"],
                "Referrer-Policy": ["no-referrer"],
            }
        },
    }


def _on_error() -> Json:
    """Errors of the gateway itself, in the form that the API's own errors have."""
    body = '{"status":{http.error.status_code},"title":"{http.error.status_text}","detail":"the gateway has no answer"}'
    return {
        "handle": [
            {
                "handler": "static_response",
                "status_code": "{http.error.status_code}",
                "headers": {"Content-Type": ["application/problem+json"]},
                "body": body,
            }
        ]
    }


def _health() -> Json:
    return {
        "match": [{"path": ["/health/live", "/health/ready"]}],
        "handle": [{"handler": "static_response", "status_code": 200, "body": "serving\n"}],
    }


def _address(host: object, port: int) -> str:
    text = str(host)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
