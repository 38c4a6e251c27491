"""The risk guard falls silent while the whole pipeline runs: it fails closed, says so, and comes back clean.

The limits in time are those of the protocol, not of the machine: verdicts count as fresh for 3 s after the guard's last
commit, and the aggregator looks at its conditions once a second at least.
"""

import asyncio
import json
import re
import signal
import time

import psutil
from redis.asyncio import Redis

from conftest import ROOT
from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.held import Held
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.risk import Alert, Severity
from dfp.local.observe import newest_time
from dfp.log.connection import connect
from dfp.log.extent import groups, last_seq
from dfp.market.phases import DAY_NS, SECOND_NS, SHANGHAI_NS
from up_process import Up
from violations import entries
from waiting import until

NAMES = Names("desk")
LAST_PUBLICATION_S = 4.0
ALERT_S = 5.0
PACED_FROM_NS = (10 * 3_600 + 2) * SECOND_NS
"""Time of day from which the synthetic market is paced, and a little more."""

CLOSE = 64
"""Entries, a few seconds of them, that a reader may be behind when the market counts as paced."""


async def running(up: Up) -> Redis:
    """The server of a pipeline with the shipped strategies and policy, once its market keeps to the clock.

    Before, while windows are filled, the collector waits for every reader, and a silent guard stops it all.
    """
    report = str(up.folder / "report.json")
    up.start("-f", str(ROOT / "examples"), "--symbols", "1500", "--prefix", "desk", "--report", report)
    await asyncio.to_thread(up.until_open)
    found = re.search(r"redis (redis://\S+),", up.output)
    assert found is not None, up.output
    redis = connect(found[1])
    await until(lambda: _paced(redis), 120)
    return redis


async def _paced(redis: Redis) -> bool:
    newest = await newest_time(redis, NAMES)
    if newest is None or (newest + SHANGHAI_NS) % DAY_NS <= PACED_FROM_NS:
        return False
    last = await last_seq(redis, NAMES.features)
    return all(group.seq >= last - CLOSE for group in await groups(redis, NAMES.features))


async def _more(redis: Redis, stream: str, than: int) -> bool:
    return await last_seq(redis, stream) > than


def at(entry: Entry, hop: str) -> float:
    """Wall clock of a hop, seconds."""
    return entry.meta.hops[hop] / 1e9


async def stale_alerts(redis: Redis) -> list[tuple[Severity, Entry]]:
    found = [entry for entry in await entries(redis, NAMES.risk_alerts) if entry.kind is Kind.ALERT]
    alerts = [(codec.decode(entry.payload, Alert), entry) for entry in found]
    return [(alert.severity, entry) for alert, entry in alerts if alert.rule == "RiskGuardStale"]


async def test_a_guard_that_hangs_ends_all_publication_and_one_that_is_killed_comes_back_clean(up: Up) -> None:
    redis = await running(up)
    guard = up.child("risk-guard")
    guard.suspend()
    stopped = time.time()
    try:
        await until(lambda: _told(redis, Severity.CRITICAL), 60)
        silent_since = await last_seq(redis, NAMES.opportunities)
        await until(lambda: _held(redis, 3), 60)
        assert await last_seq(redis, NAMES.opportunities) == silent_since
    finally:
        guard.resume()
    published = await entries(redis, NAMES.opportunities)
    assert at(published[silent_since - 1], "opportunity") - stopped <= LAST_PUBLICATION_S
    (told,) = [entry for severity, entry in await stale_alerts(redis) if severity is Severity.CRITICAL]
    assert at(told, "opportunity") - stopped <= ALERT_S
    held = [codec.decode(entry.payload, Held) for entry in await entries(redis, NAMES.opportunities_held)]
    assert {one.reason for one in held} == {"RiskGuardStale"}
    await until(lambda: _told(redis, Severity.INFO), 60)
    await until(lambda: _more(redis, NAMES.opportunities, silent_since), 60)

    for _ in range(2):  # three times in a row would be a service that does not start
        killed = up.child("risk-guard")
        killed.kill()
        await until(lambda: _replaced(up, killed), 60)  # noqa: B023
        fresh_until = await redis.get(NAMES.risk_fresh_until)
        await until(lambda: _vouched(redis, fresh_until), 60)  # noqa: B023
        before = await last_seq(redis, NAMES.opportunities)
        await until(lambda: _more(redis, NAMES.opportunities, before + 1), 60)  # noqa: B023

    published = await entries(redis, NAMES.opportunities)
    never = {one.opportunity.id for one in held}
    assert not never & {codec.decode(entry.payload, Opportunity).id for entry in published}, "a held one came out later"
    verdicts = await entries(redis, NAMES.risk_verdicts)
    assert [entry.seq for entry in verdicts] == list(range(1, len(verdicts) + 1))
    await redis.aclose()
    up.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    assert up.end() == 0, up.output
    report = json.loads((up.folder / "report.json").read_bytes())
    assert report["restarts"]["risk-guard"] == 2
    assert report["alerts"].get("GateBypassed", 0) == 0


async def _replaced(up: Up, killed: psutil.Process) -> bool:
    """Whether the supervisor has started the guard again; it waits before it does."""
    guard = up.children().get("risk-guard")
    return guard is not None and guard != killed


async def _vouched(redis: Redis, fresh_until: bytes) -> bool:
    """Whether the guard has made the verdicts fresh for longer; no publication from before its death shows that."""
    return await redis.get(NAMES.risk_fresh_until) != fresh_until


async def _told(redis: Redis, severity: Severity) -> bool:
    return any(found is severity for found, _ in await stale_alerts(redis))


async def _held(redis: Redis, count: int) -> bool:
    return await last_seq(redis, NAMES.opportunities_held) >= count
