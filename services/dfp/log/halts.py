"""Halts that people set and release: latched on the server, with an alert in the same instant.

A halt acts at once and by itself: every commit of what it stops is refused from then on, whatever process is alive.
"""

import hashlib
import time
from typing import Any

from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.conditions import PIPELINE, strategy_target
from dfp.contracts.entry import NO_META, Kind, to_fields
from dfp.contracts.names import Names
from dfp.contracts.risk import Alert, Halt, Severity
from dfp.log.script import Script

HALT, RELEASE = Script("halt"), Script("release")

HALTED, RELEASED = "Halted", "Released"
"""Rules of the alerts."""

PERSON = "person"
"""Cause of a halt that no rule has set."""


async def halt(redis: Redis, names: Names, target: str, reason: str, cause: str = PERSON) -> Halt | None:
    """Halt a target.

    Args:
        target: `pipeline` or `strategy/NAME`.
        reason: for people, at most 500 characters.

    Returns:
        The halt that holds already, None when this one is new.
    """
    now = time.time_ns()
    document = Halt(target=target, cause=cause, since=now, reason=reason)
    alert = _alert(HALTED, Severity.CRITICAL, target, now, f"halted by {cause}: {reason}")
    fields = to_fields(Kind.ALERT, codec.encode(alert), NO_META)
    keys = (names.halt, names.risk_alerts)
    held: bytes = await HALT(redis, keys, (target, codec.encode(document), names.risk_alerts, *fields))
    return codec.decode(held, Halt) if held else None


async def release(redis: Redis, names: Names, target: str, reason: str) -> bool:
    """Release a target; False when it was not halted."""
    alert = _alert(RELEASED, Severity.INFO, target, time.time_ns(), f"released by {PERSON}: {reason}")
    fields = to_fields(Kind.ALERT, codec.encode(alert), NO_META)
    return bool(await RELEASE(redis, (names.halt, names.risk_alerts), (target, names.risk_alerts, *fields)))


async def halts(redis: Redis, names: Names) -> list[Halt]:
    """All halts that hold, by target.

    Raises:
        ContractError: something else stands in their place.
    """
    found: dict[Any, Any] = await redis.hgetall(names.halt)
    return sorted((codec.decode(document, Halt) for document in found.values()), key=lambda halt: halt.target)


async def targets(redis: Redis, names: Names) -> list[str]:
    """What can be halted: the pipeline and each strategy that has run in it; empty where no pipeline ever ran."""
    strategies = await strategies_that_ran(redis, names)
    if not strategies and not await redis.exists(names.chain("aggregator")):
        return []
    return [PIPELINE, *map(strategy_target, strategies)]


async def strategies_that_ran(redis: Redis, names: Names) -> list[str]:
    """Names of the strategies whose engines have a chain, sorted."""
    stem = names.chain("engine/")
    return sorted([key.decode().removeprefix(stem) async for key in redis.scan_iter(f"{stem}*", count=1_000)])


def _alert(rule: str, severity: Severity, target: str, now: int, message: str) -> Alert:
    identifier = hashlib.sha256(f"{rule}\0{target}\0{now}".encode()).hexdigest()[:24]
    return Alert(id=identifier, rule=rule, severity=severity, target=target, time=now, message=message[:500])
