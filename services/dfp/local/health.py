"""Whether a pipeline is well: one look at its server and its door, check by check, each in words.

Everything is read from where the services themselves keep it (leases, chains, groups, conditions), so it needs no list
of processes and works for a pipeline on any machine.
"""

import asyncio
import enum
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.local.door import rest_answers, socket_answers
from dfp.local.observe import newest_time
from dfp.local.screen import market_time
from dfp.local.stages import AGGREGATOR, RISK_GUARD, counters
from dfp.log import conditions, policies
from dfp.log.extent import groups, last_seq
from dfp.log.halts import halts
from dfp.market.phases import Phase, phase_at

GROWTH_S = 4.0
"""The log has a clock entry each second and each share a tick each three: so long a silence is no chance."""

FAR_BEHIND = 1_000
"""Entries: some seconds of a whole market."""


class State(enum.StrEnum):
    """What a check found."""

    OK = "ok"
    DEGRADED = "degraded"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at; `words` say what was found and, where that helps, what to do."""

    name: str
    state: State
    words: str


def check(name: str, good: bool, words: str) -> Check:
    """A check from whether it is good."""
    return Check(name, State.OK if good else State.DEGRADED, words)


async def examine(redis: Redis, names: Names, door: str, port: int) -> list[Check]:
    """All checks of a pipeline. Takes some seconds, in which the log should grow.

    Args:
        door, port: host and port of the gateway.
    """
    stages = await _stages(redis, names)
    return [
        await data(redis, names, finished=(await counters(redis, names, "collector")).get("finished", 0) > 0),
        *[await _stage(redis, names, stage) for stage in stages],
        await _backlog(redis, names),
        *await _risk(redis, names, stages),
        await _halts(redis, names),
        await _dead_letters(redis, names, stages),
        check("rest", *await rest_answers(door, port)),
        check("websocket", *await socket_answers(door, port)),
    ]


async def _stages(redis: Redis, names: Names) -> list[str]:
    stem = names.chain("")
    return sorted([key.decode().removeprefix(stem) async for key in redis.scan_iter(f"{stem}*")])


async def data(redis: Redis, names: Names, *, finished: bool) -> Check:
    """Whether the log grows, and in continuous trading with ticks.

    Args:
        finished: the feed has said that it is over.
    """
    before = await last_seq(redis, names.clean_ticks)
    if not before:
        return check("data", good=False, words="the log is empty; has the collector started, does its feed send?")
    if finished:
        return check("data", good=True, words=f"the feed has ended; {before:,} entries")
    ticks = (await counters(redis, names, "collector")).get("accepted", 0)
    await asyncio.sleep(GROWTH_S)
    grown = await last_seq(redis, names.clean_ticks) - before
    ticks = (await counters(redis, names, "collector")).get("accepted", 0) - ticks
    newest = await newest_time(redis, names)
    when = "" if newest is None else f", event time {market_time(newest)}"
    if not grown:
        return check("data", good=False, words=f"no entry in {GROWTH_S:g} s{when}; the collector or its feed is silent")
    trading = newest is not None and phase_at(newest) is Phase.CONTINUOUS
    return check("data", ticks > 0 or not trading, f"{ticks:,} ticks in {GROWTH_S:g} s{when}")


async def _stage(redis: Redis, names: Names, stage: str) -> Check:
    owner: Any = await redis.get(names.lease(stage))
    words = f"runs as {owner.decode()}" if owner else "nobody holds its lease; the process is down or hangs"
    return check(stage, owner is not None, words)


async def _backlog(redis: Redis, names: Names) -> Check:
    worst = (0, "", "")
    for stream in (names.clean_ticks, names.features, names.signals, names.opportunities):
        last = await last_seq(redis, stream)
        for group in await groups(redis, stream):
            worst = max(worst, (last - group.seq, group.name, stream))
    behind, reader, stream = worst
    words = f"{reader} is {behind:,} entries behind on {stream}" if behind else "every reader has everything"
    return check("backlog", behind <= FAR_BEHIND, words)


async def _risk(redis: Redis, names: Names, stages: Sequence[str]) -> list[Check]:
    try:
        bundle = await policies.read(redis, names)
    except ContractError as error:
        return [check("policies", good=False, words=str(error))]
    if not bundle.policies:
        return [check("policies", good=True, words="none")]
    acknowledged = await policies.acknowledged(redis, names)
    late = [stage for stage in (RISK_GUARD, AGGREGATOR) if acknowledged.get(stage) != bundle.version]
    shown = ", ".join(policy.name for policy in bundle.policies)
    words = f"{shown} (version {bundle.version})" + (f", not taken by {', '.join(late)} yet" if late else "")
    fresh = (await conditions.read(redis, names)).risk_fresh
    silent = "the risk guard is silent: candidates are held, not published"
    return [
        check("policies", not late, words),
        check("verdicts", bool(fresh), "fresh" if fresh else silent),
    ]


async def _halts(redis: Redis, names: Names) -> Check:
    try:
        found = await halts(redis, names)
    except ContractError as error:
        return check("halts", good=False, words=str(error))
    words = "; ".join(f"{one.target} by {one.cause}: {one.reason}" for one in found)
    return check("halts", not found, f"{words}; end it with dfp release" if found else "none")


async def _dead_letters(redis: Redis, names: Names, stages: Sequence[str]) -> Check:
    found: dict[str, int] = {}
    for stage in stages:
        for counter, count in (await counters(redis, names, stage)).items():
            if counter.startswith("rejected/"):
                found[counter.removeprefix("rejected/")] = found.get(counter.removeprefix("rejected/"), 0) + count
    words = ", ".join(f"{reason} {count:,}" for reason, count in sorted(found.items()))
    # Bad records are the producers' business; they are shown and make nothing unwell.
    return check("refused records", good=True, words=words or "none")
