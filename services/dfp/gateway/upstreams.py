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

IDEMPOTENT = [{"method": ["GET", "HEAD"]}]
"""What may be sent again when it is not known whether it was received."""

CHECK = {"uri": "/health/ready", "interval": "1s", "timeout": "2s", "fails": 2, "expect_status": 200}

LEAVE_OUT = {"max_fails": 1, "fail_duration": "1s"}
"""After one failure an instance gets nothing for a moment: a dead one is the idlest, and would be chosen each time."""


def rest(settings: GatewaySettings) -> list[Json]:
    """Routes to the signal-api.

    A read goes to an instance that is ready. When none is, for example because Redis is away, any may answer it: from
    memory, or with a problem that says what it waits for; a gateway that refused would make the outage larger. What
    writes waits for an instance that is ready.
    """
    ready = _proxy(settings.api_upstreams, "round_robin", CHECK)
    at_once = {**ready, "load_balancing": {**ready["load_balancing"], "retries": len(settings.api_upstreams)}}
    del at_once["load_balancing"]["try_duration"]
    whoever = _proxy(settings.api_upstreams, "round_robin", None)
    read = {"handler": "subroute", "routes": [{"handle": [at_once]}], "errors": {"routes": [_unless_late(whoever)]}}
    return [{"match": IDEMPOTENT, "handle": [read], "terminal": True}, {"handle": [ready]}]


def stream(settings: GatewaySettings) -> Json:
    """The handler that leads WebSocket clients to the signal-streamer with the fewest of them.

    Only the handshake has a time-out. When the gateway stops, Caddy says goodbye to both ends with 1001.
    """
    check = None if settings.streamer_health_port is None else {**CHECK, "port": settings.streamer_health_port}
    return _proxy(settings.streamer_upstreams, "least_conn", check)


def _unless_late(handler: Json) -> Json:
    """An instance that took a request and is silent is not asked twice: its time-out is the answer."""
    return {"match": [{"vars": {"{http.error.status_code}": ["502", "503"]}}], "handle": [handler]}


def _proxy(upstreams: list[str], policy: str, check: Json | None) -> Json:
    checks: Json = {"passive": LEAVE_OUT}
    if check is not None:
        checks["active"] = check
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream} for upstream in upstreams],
        "load_balancing": {
            "selection_policy": {"policy": policy},
            "try_duration": WAIT,
            "try_interval": TRY_AGAIN,
            "retry_match": IDEMPOTENT,
        },
        "health_checks": checks,
        "transport": {
            "protocol": "http",
            "dial_timeout": DIAL,
            "response_header_timeout": ANSWER,
            "keep_alive": {"idle_timeout": IDLE},
        },
    }
