"""I1 to I4 under faults on real servers, and the checker on trial: each guard is taken away once and is missed by name.

Each scenario is a function of the classes that it uses. With the product's own it must end without a violation; with a
planted bug in the place of one guard the checker must say which invariant broke.
"""

import asyncio
import hashlib
import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from conftest import Server
from dfp.contracts.entry import Kind
from dfp.contracts.names import Names
from dfp.log import chain as chain_module
from dfp.log.chain import Chain, Fenced
from dfp.log.connection import UNREACHABLE, connect
from dfp.log.extent import last_seq
from dfp.log.script import Script
from dfp.log.work import Work, Write
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec
from proxy import Proxy
from running import running
from running_total import RunningTotal
from violations import entries, violations
from waiting import reached

NAMES = Names("test")
LOG, OUT = "test:log", "test:out"


class Unfenced(Script):
    """Planted bug: the commit does not compare tokens."""

    def __init__(self) -> None:
        super().__init__("conditions", "commit")
        fence = "if stored ~= previous then return {'fenced', stored} end"
        assert fence in self.source
        self.source = self.source.replace(fence, "")
        self.sha = hashlib.sha1(self.source.encode()).hexdigest()


class BlindRetryChain(Chain):
    """Planted bug: a write that timed out is sent again as a new commit on top of whatever the server holds."""

    async def commit(self, work: Work, cursor, **guards) -> None:  # type: ignore[no-untyped-def, override]
        while True:
            keys, arguments = self._encode(os.urandom(16), self.digest, work, cursor, (), None, False)
            try:
                await chain_module.COMMIT(self.redis, keys, arguments)
            except UNREACHABLE:
                await asyncio.sleep(0.05)
            else:
                return
            finally:
                try:
                    self.token = await self.redis.hget(self.names.chain(self.stage), "token")  # type: ignore[assignment]
                except UNREACHABLE:
                    await asyncio.sleep(0.05)


class KeptCursorChain(Chain):
    """Planted bug: after a reconnect the cursor in memory is believed, not the one in the server."""

    async def claim(self) -> bool:
        kept = dict(self.cursor)
        first = not self.token
        await super().claim()
        if first:
            return False
        self.cursor = kept
        return True


async def append(chain: Chain, values: list[int], first_seq: int) -> None:
    for offset, value in enumerate(values):
        work = Work([Write(LOG, Kind.SIGNAL, b"%d" % value, seq=first_seq + offset)])
        await chain.commit(work, {"feed": first_seq + offset})


def total_stage(redis: Redis, chain_class: type[Chain] = Chain, identity: str = "a") -> Stage:
    spec = StageSpec("total", (LOG,), "total")
    stage = Stage(spec, RunningTotal(OUT), redis, NAMES, identity, Health())
    stage.chain = chain_class(redis, NAMES, "total", identity, (LOG,))
    return stage


async def two_owners(server: Server, planted: SimpleNamespace) -> set[str]:
    """An owner that stalls beyond its lease goes on after another one has taken over and written."""
    redis = connect(server.url)
    stalled, successor = planted.chain(redis, NAMES, "source", "a"), planted.chain(redis, NAMES, "source", "a")
    await stalled.claim()
    acknowledged = [1, 2, 3]
    await append(stalled, acknowledged, 1)
    await successor.claim()
    await append(successor, [4], 4)
    acknowledged.append(4)
    try:
        for value in (4, 5):  # the same value as the successor's, then one of its own
            await stalled.commit(Work([Write(LOG, Kind.SIGNAL, b"%d" % value)]), {"feed": value})
    except Fenced:
        pass
    found = await violations(redis, LOG, OUT, acknowledged)
    await redis.aclose()
    return found


async def a_lost_reply(server: Server, planted: SimpleNamespace) -> set[str]:
    """A commit is applied and its reply is lost; the writer times out and does not know."""
    async with Proxy(server.port) as proxy:
        redis = connect(proxy.url, socket_timeout=0.3)
        direct = connect(server.url)
        source = planted.chain(redis, NAMES, "source", "a")
        await source.claim()
        acknowledged = []
        for value in range(1, 6):
            proxy.mute = value == 3
            async with asyncio.timeout(60), asyncio.TaskGroup() as committing:
                work = Work([Write(LOG, Kind.SIGNAL, b"%d" % value)])
                committing.create_task(source.commit(work, {"feed": value}))
                if proxy.mute:
                    await proxy.lost.wait()
                    proxy.mute = False
                    proxy.cut()
            acknowledged.append(value)
        found = await violations(direct, LOG, OUT, acknowledged)
        await redis.aclose()
        await direct.aclose()
    return found


async def a_rollback(server: Server, planted: SimpleNamespace) -> set[str]:
    """The server comes back without its last commits; the source sends again what is missing."""
    redis = connect(server.url)
    source = Chain(redis, NAMES, "source", "a")
    await source.claim()
    await append(source, list(range(1, 11)), 1)
    async with running(total_stage(redis, planted.chain).run):
        await reached(redis, OUT, 10)
        size = aof(server).stat().st_size
        await append(source, list(range(11, 21)), 11)
        await reached(redis, OUT, 20)
        server.kill()
        os.truncate(aof(server), size)
        server.start()
        direct = connect(server.url)
        survived = await last_seq(direct, LOG)
        assert survived == 10
        again = Chain(direct, NAMES, "source", "a")
        await again.claim()
        await append(again, list(range(11, 31)), 11)
        await reached(direct, OUT, 30)
    found = await violations(direct, LOG, OUT, list(range(1, 31)))
    await direct.aclose()
    await redis.aclose()
    return found


def aof(server: Server) -> Path:
    (found,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return found


GUARDED = SimpleNamespace(chain=Chain)
SCENARIOS = [two_owners, a_lost_reply, a_rollback]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_no_invariant_is_violated(own_server: Server, scenario) -> None:  # type: ignore[no-untyped-def]
    assert await scenario(own_server, GUARDED) == set()


async def test_without_the_fence_two_owners_write_a_tick_twice(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_module, "COMMIT", Unfenced())
    assert "I1" in await two_owners(own_server, GUARDED)


async def test_a_blind_retry_of_a_timed_out_write_writes_a_tick_twice(own_server: Server) -> None:
    assert "I1" in await a_lost_reply(own_server, SimpleNamespace(chain=BlindRetryChain))


async def test_a_cursor_kept_over_a_reconnect_leaves_out_what_was_sent_again(own_server: Server) -> None:
    assert {"I2", "I4"} & await a_rollback(own_server, SimpleNamespace(chain=KeptCursorChain))


async def test_the_commits_of_a_stage_form_one_chain(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """I3: whoever commits, each applied commit follows the one before it. Four owners fight for one stage."""
    applied: list[tuple[bytes, bytes]] = []
    script = chain_module.COMMIT

    async def recorded(redis, keys, arguments):  # type: ignore[no-untyped-def]
        reply = await script(redis, keys, arguments)
        if reply[0] == b"ok":
            applied.append((arguments[0], arguments[1]))
        return reply

    monkeypatch.setattr(chain_module, "COMMIT", recorded)
    redis = connect(own_server.url)
    owners = [Chain(redis, NAMES, "source", "a") for _ in range(4)]
    claims: list[bytes] = []
    chance = random.Random(7)

    async def fight(owner: Chain) -> None:
        for _ in range(25):
            await owner.claim()
            claims.append(owner.token)
            await asyncio.sleep(chance.random() * 0.02)
            try:
                for _ in range(4):
                    await owner.commit(Work([Write(LOG, Kind.SIGNAL, b"1")]), {})
            except Fenced:
                continue

    await asyncio.gather(*map(fight, owners))
    assert len(applied) >= 10, "no owner ever got through"
    assert len({previous for previous, _ in applied}) == len(applied), "one token was followed by two commits"
    known = {new for _, new in applied} | set(claims)
    assert {previous for previous, _ in applied} <= known
    assert len(await entries(redis, LOG)) == len(applied)
    await redis.aclose()
