"""Who is behind the door: how an instance is chosen, when it is left out, and when a request is tried again."""

from typing import Any, TypeAlias

from dfp.gateway.settings import GatewaySettings

Json: TypeAlias = dict[str, Any]

WAIT = "2s"
"""How long a request waits for an instance that restarts."""

DIAL = "1s"
TRY_AGAIN = "50ms"

ANSWER = "5s"
"""From the request to the head of its answer. The doors answer from memory, in milliseconds."""

IDLE = "60s"
"""Below the 75 s after which the doors close an idle connection, which could be just when a request takes it."""

READS = [{"method": ["GET", "HEAD"]}]
"""What may be sent again when it is not known whether it was received."""

BODILESS = "READ"
"""What the method of a read is called on its way to the proxy, which makes it GET again.

Caddy drops the body of a request when the proxy turns its method into GET. A read needs none, and a client that breaks
its body off would count as a failure of the instance: one such client could have all of them left out.
"""

CHECK = {"uri": "/health/ready", "interval": "1s", "timeout": "2s", "fails": 2, "expect_status": 200}

LEAVE_OUT = {"max_fails": 1, "fail_duration": "1s"}
"""After one failure an instance gets nothing for a moment: a dead one is the idlest, and would be chosen each time."""


def rest(settings: GatewaySettings) -> list[Json]:
    """Routes to the signal-api.

    A read goes to an instance that is ready. When none is, for example because Redis is away, any may answer it: from
    memory, or with a problem that says what it waits for; a gateway that refused would make the outage larger. What
    writes waits for an instance that is ready, and as it has a body its failures leave no instance out.
    """
    apis, count = settings.api_upstreams, len(settings.api_upstreams)
    ready = _reader(apis, "round_robin", {"retries": count}, {"active": CHECK})
    whichever = _reader(apis, "round_robin", {"try_duration": WAIT}, {})
    read = {"handler": "subroute", "routes": [{"handle": ready}], "errors": {"routes": _unless_late(whichever)}}
    write = _proxy(apis, "round_robin", {"try_duration": WAIT, "retry_match": READS}, {"active": CHECK})
    return [{"match": READS, "handle": [read], "terminal": True}, {"handle": [write]}]


def stream(settings: GatewaySettings) -> list[Json]:
    """The handlers that lead WebSocket clients to the signal-streamer with the fewest of them.

    Only the handshake has a time-out. When the gateway stops, Caddy says goodbye to both ends with 1001.
    """
    port = settings.streamer_health_port
    checks = {} if port is None else {"active": {**CHECK, "port": port}}
    return _reader(settings.streamer_upstreams, "least_conn", {"try_duration": WAIT}, checks)


def _unless_late(handlers: list[Json]) -> list[Json]:
    """An instance that took a request and is silent is not asked twice: its time-out is the answer."""
    match = [{"vars": {"{http.error.status_code}": ["502", "503"]}}]
    # Without it Caddy takes an error that no route matches for dealt with, and answers 200.
    again = {"handler": "error", "error": "{http.error.message}", "status_code": "{http.error.status_code}"}
    return [{"match": match, "handle": handlers, "terminal": True}, {"handle": [again]}]


def _reader(upstreams: list[str], policy: str, attempts: Json, checks: Json) -> list[Json]:
    proxy = _proxy(
        upstreams,
        policy,
        {**attempts, "retry_match": [{"method": [BODILESS]}]},
        {**checks, "passive": LEAVE_OUT},
    )
    return [{"handler": "rewrite", "method": BODILESS}, {**proxy, "rewrite": {"method": "GET"}}]


def _proxy(upstreams: list[str], policy: str, attempts: Json, checks: Json) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream} for upstream in upstreams],
        "load_balancing": {"selection_policy": {"policy": policy}, "try_interval": TRY_AGAIN, **attempts},
        "health_checks": checks,
        "transport": {
            "protocol": "http",
            "dial_timeout": DIAL,
            "response_header_timeout": ANSWER,
            "keep_alive": {"idle_timeout": IDLE},
        },
    }
