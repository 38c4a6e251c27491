"""What becomes of requests when instances behind the gateway die, restart, break off or fall silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from dfp.log import connection as log_connection
from door_processes import DoorProcess, doors, lives, publish
from gateway_process import client, gateway, problem
from upstream import Behaviour, Upstream, break_off, echo, fail, silence
from waiting import until


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    connected = log_connection.connect(redis_url)
    yield connected
    await connected.aclose()


async def until_in_use(http: httpx.AsyncClient, *upstreams: Upstream) -> None:
    """Ask until each of them was asked: until the gateway knows that it is ready."""
    for upstream in upstreams:
        before = upstream.seen("GET")

        async def asked(upstream: Upstream = upstream, before: int = before) -> bool:
            await http.get("/version")
            return upstream.seen("GET") > before

        await until(asked)


async def test_the_death_of_one_api_harms_no_request_and_that_of_both_is_told_as_a_problem_until_they_are_back(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    with doors(redis_url, tmp_path) as door:
        second = DoorProcess("api", dict(door.api.environment), tmp_path / "second.log")
        await publish(redis, *lives(10))
        with gateway(tmp_path, [door.api.http_port, second.http_port]) as entrance:
            second.start()
            try:
                await door.start("api")
                await second.ready()
                entrance.start()
                await entrance.ready()
                async with client(entrance) as http:
                    statuses: list[int] = []

                    async def ask() -> None:
                        for _ in range(60):
                            found = await http.get("/opportunities?limit=3")
                            statuses.append(found.status_code)

                    async def die() -> None:
                        await until(lambda: len(statuses) > 80)
                        await asyncio.to_thread(second.kill)

                    await asyncio.gather(die(), *(ask() for _ in range(6)))
                    assert statuses == [200] * 360
                    door.api.kill()
                    answer = await http.get("/api/opportunities")
                    assert answer.status_code == 503
                    assert "no instance" in problem(answer)["detail"]
                    assert answer.headers["retry-after"] == "1"
                    await door.start("api")
                    await until(lambda: answers(http, "/api/opportunities"))
            finally:
                second.kill()


async def answers(http: httpx.AsyncClient, path: str) -> bool:
    return (await http.get(path)).status_code == 200


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


async def behind(stack: AsyncExitStack, folder: Path, *upstreams: Upstream) -> tuple[httpx.AsyncClient, DoorProcess]:
    """A client of a gateway in front of these."""
    for upstream in upstreams:
        await stack.enter_async_context(upstream)
    entrance = stack.enter_context(gateway(folder, [upstream.port for upstream in upstreams]))
    entrance.start()
    await entrance.ready()
    return await stack.enter_async_context(client(entrance)), entrance


async def test_a_request_that_was_broken_off_is_sent_again_when_it_reads_and_never_when_it_writes(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    bad, worse = Upstream(break_off), Upstream(break_off)
    http, _ = await behind(stack, tmp_path, bad, worse)
    answer = await http.post("/halts", json={"target": "pipeline", "reason": "a test"})
    assert answer.status_code == 502
    assert "not known" in problem(answer)["detail"]
    assert bad.seen("POST") + worse.seen("POST") == 1
    worse.behaviour = echo
    assert (await http.get("/halts")).status_code == 200


async def test_a_write_waits_for_an_api_that_restarts_and_reaches_it_once(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    upstream = Upstream()
    http, _ = await behind(stack, tmp_path, upstream)
    await upstream.__aexit__()
    posting = asyncio.create_task(http.post("/halts", json={}))
    await asyncio.sleep(0)
    again = await stack.enter_async_context(Upstream(port=upstream.port))
    assert (await posting).status_code == 200
    assert again.seen("POST") == 1


async def test_a_write_that_nobody_can_take_is_told_to_come_back(stack: AsyncExitStack, tmp_path: Path) -> None:
    http, _ = await behind(stack, tmp_path, upstream := Upstream())
    await upstream.__aexit__()
    answer = await http.post("/halts", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    problem(answer)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_api_that_takes_a_request_and_falls_silent_is_told_as_a_timeout(
    stack: AsyncExitStack, tmp_path: Path, method: str
) -> None:
    http, _ = await behind(stack, tmp_path, upstream := Upstream(silence))
    answer = await http.request(method, "/halts")
    assert answer.status_code == 504
    problem(answer)
    assert upstream.seen(method) == 1


async def test_an_error_of_the_api_is_its_own_to_word_and_is_not_asked_for_again(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    http, _ = await behind(stack, tmp_path, upstream := Upstream(fail))
    answer = await http.get("/opportunities")
    assert (answer.status_code, answer.content, upstream.seen("GET")) == (500, b"broken", 1)


async def test_reads_go_to_the_instances_that_are_ready_and_to_any_when_none_is(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    late, ready = Upstream(ready=False), Upstream()
    http, _ = await behind(stack, tmp_path, late, ready)

    async def left_out() -> bool:
        before = late.seen("GET")
        for _ in range(4):
            assert (await http.get("/version")).status_code == 200
        return late.seen("GET") == before

    await until(left_out)
    ready.ready = False

    async def asked_again() -> bool:
        assert (await http.get("/version")).status_code == 200
        return late.seen("GET") > before

    before = late.seen("GET")
    await until(asked_again)
    late.ready = True
    await until_in_use(http, late)


@pytest.mark.parametrize("behaviour", [echo, break_off])
async def test_a_burst_of_requests_is_shared_by_the_instances(
    stack: AsyncExitStack, tmp_path: Path, behaviour: Behaviour
) -> None:
    """One that breaks every request off costs its readers nothing but a second attempt."""
    first, second = Upstream(behaviour), Upstream()
    http, _ = await behind(stack, tmp_path, first, second)
    found = await asyncio.gather(*(http.get("/version") for _ in range(100)))
    assert [answer.status_code for answer in found] == [200] * 100
    assert first.seen("GET") > 0
    assert second.seen("GET") > 0
