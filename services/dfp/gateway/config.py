"""Renders the gateway's Caddy configuration, in Caddy's own JSON."""

import json
from pathlib import Path
from typing import Any, TypeAlias

from dfp.gateway import routes
from dfp.gateway.settings import GatewaySettings

Json: TypeAlias = dict[str, Any]

GRACE = "3s"
"""For requests under way when the gateway stops; below the time after which its supervisor kills it."""

LARGEST_HEADERS = 16 * 1024

LIMITS = {
    "read_header_timeout": "5s",
    "read_timeout": "30s",
    "write_timeout": "60s",
    "idle_timeout": "75s",
    "max_header_bytes": LARGEST_HEADERS,
}
"""A client that is slower is cut. None of them concerns a WebSocket once its handshake is done."""

SECRETS = ("token", "access_token", "api_key", "apikey", "key", "password", "secret")
"""Parameters of a query that a client or a proxy in front may send though nothing here reads them."""


def render(settings: GatewaySettings, site: Path) -> str:
    """The whole configuration: REST, WebSocket and page behind one port, probes and figures behind another.

    Args:
        site: folder of the page's files.
    """
    apps: Json = {
        "http": {
            "grace_period": GRACE,
            "metrics": {},
            "servers": {
                "door": {
                    **_server(settings.http_host, settings.http_port),
                    **_tls_server(settings),
                    "routes": routes.door(settings, site),
                    "errors": {"routes": routes.errors(settings)},
                    **({"logs": {"default_logger_name": "door"}} if settings.access_log else {}),
                },
                "health": {**_server(settings.health_host, settings.health_port), "routes": routes.health()},
            },
        }
    }
    if settings.tls_certificate is not None:
        pair = {"certificate": str(settings.tls_certificate), "key": str(settings.tls_key), "tags": ["door"]}
        apps["tls"] = {"certificates": {"load_files": [pair]}}
    config = {"admin": {"disabled": True, "config": {"persist": False}}, "logging": _logging(settings), "apps": apps}
    return json.dumps(config, indent=2)


def _server(host: object, port: int) -> Json:
    return {"listen": [_address(host, port)], "protocols": ["h1"], "automatic_https": {"disable": True}, **LIMITS}


def _tls_server(settings: GatewaySettings) -> Json:
    """With a certificate: TLS and HTTP/2. The one certificate is shown whatever name a client asks for, or none."""
    if settings.tls_certificate is None:
        return {}
    policy = {
        "certificate_selection": {"any_tag": ["door"]},
        "alpn": ["h2", "http/1.1"],
        "protocol_min": "tls1.2",
    }
    return {"protocols": ["h1", "h2"], "tls_connection_policies": [policy]}


def _logging(settings: GatewaySettings) -> Json:
    """Lines of the same form as those of the other services; an access line is silent about what may be secret."""
    line = {"format": "json", "time_key": "timestamp", "time_format": "rfc3339_nano", "message_key": "event"}
    output = {"output": "stdout"}
    logs: Json = {"default": {"writer": output, "encoder": line, "level": "WARN", "exclude": ["http.log.access"]}}
    if settings.access_log:
        hidden = {
            "request>uri": {
                "filter": "query",
                "actions": [{"type": "replace", "parameter": name, "value": "REDACTED"} for name in SECRETS],
            },
            **{
                f"request>headers>{name}": {"filter": "delete"}
                for name in ("Authorization", "Cookie", "Proxy-Authorization", "Referer")
            },
            "resp_headers>Set-Cookie": {"filter": "delete"},
        }
        logs["access"] = {
            "writer": output,
            "encoder": {"format": "filter", "wrap": line, "fields": hidden},
            "include": ["http.log.access.door"],
        }
    return {"logs": logs}


def _address(host: object, port: int) -> str:
    text = str(host)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
