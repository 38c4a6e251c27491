"""The REST door as a process on a real log: every route, hostile requests, a server that goes away and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from api_log import api_on, morning, write
from conftest import Server
from dfp.api import examples
from dfp.contracts.entry import Kind
from dfp.log import connection as log_connection
from door_processes import NAMES, Doors
from revisions import revision
from waiting import until


@pytest.fixture
async def api(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[tuple[Doors, httpx.AsyncClient]]:
    await morning(redis, NAMES)
    async with api_on(redis_url, tmp_path) as found:
        yield found


async def answer(client: httpx.AsyncClient, path: str, status: int = 200) -> dict[str, object]:
    got = await client.get(path)
    assert got.status_code == status, got.text
    body: dict[str, object] = got.json()
    return body


def built(document: object) -> object:
    return msgspec.to_builtins(document)


async def test_every_route_answers_with_what_the_log_holds(api: tuple[Doors, httpx.AsyncClient]) -> None:
    _, client = api
    found = examples.OPPORTUNITY.id
    expected: dict[str, object] = {
        "/opportunities": {"id": "0-2", "opportunities": [built(examples.CLOSED)], "next": None},
        f"/opportunities/{found}": built(examples.CLOSED),
        f"/opportunities/{found}/history": {"revisions": [built(examples.OPPORTUNITY), built(examples.CLOSED)]},
        f"/opportunities/{found}/outcome": built(examples.OUTCOME),
        "/outcomes?strategy=breakout": {"outcomes": [built(examples.OUTCOME)], "next": None},
        "/outcomes?strategy=other": {"outcomes": [], "next": None},
        "/signals": {"signals": [built(examples.SIGNAL)], "next": None},
        "/signals?shadow=true": {"signals": [built(examples.SHADOW_SIGNAL)], "next": None},
        f"/signals?since={examples.AT + 1}": {"signals": [], "next": None},
        "/halts": {"halts": []},
        "/risk/alerts?severity=Warning": {"alerts": [built(examples.ALERT)], "next": None},
        "/risk/alerts?target=pipeline": {"alerts": [], "next": None},
        "/risk/locks": {"locks": [built(examples.VERDICT)]},
        "/symbols": {"symbols": [built(examples.QUOTE)]},
        f"/symbols/{examples.SYMBOL}": {
            "symbol": examples.SYMBOL,
            "tick": built(examples.TICK),
            "features": examples.FEATURES,
        },
        f"/symbols/{examples.SYMBOL.lower()}/ticks": {"symbol": examples.SYMBOL, "ticks": [built(examples.TICK)]},
    }
    for path, wanted in expected.items():
        assert await answer(client, path) == wanted, path
    bars = await answer(client, f"/symbols/{examples.SYMBOL}/bars?limit=5")
    bar = {"time": 1654047060000000000, "open": 87.3, "high": 87.3, "low": 87.3, "close": 87.3, "volume": 1200}
    assert bars == {"symbol": examples.SYMBOL, "bars": [{**bar, "turnover": 104760.0}]}
    market = await answer(client, "/market")
    assert (market["session"], market["phase"], market["time"]) == (20220601, "CONTINUOUS", examples.CLOCK.time)
    assert market["next"] == {"time": 1654054200000000000, "phase": "LUNCH"}
    policies = await answer(client, "/risk/policies")
    assert policies["version"] == examples.POLICIES.version
    assert policies["acknowledged"] == dict.fromkeys(("aggregator", "risk-guard"), examples.POLICIES.version)
    verdicts = await answer(client, "/risk/verdicts")
    assert (verdicts["fresh"], verdicts["verdicts"]) == (True, [built(examples.VERDICT)])


async def test_a_strategy_shows_who_runs_it_and_what_it_did(api: tuple[Doors, httpx.AsyncClient], redis: Redis) -> None:
    _, client = api
    view = await answer(client, "/strategies/breakout")
    assert view == built(examples.STRATEGY_VIEW)
    assert await answer(client, "/strategies") == {"strategies": [view]}
    await redis.delete(NAMES.lease("engine/breakout"))
    await write(redis, NAMES.features, Kind.CLOCK, examples.CLOCK)
    later = await answer(client, "/strategies/breakout")
    assert (later["running"], later["owner"], later["behind"]) == (False, None, 1)
    wrong = await answer(client, "/strategies/brekout", 404)
    assert "breakout" in str(wrong["errors"])
    stages = await answer(client, "/pipeline")
    assert [stage["stage"] for stage in stages["stages"]] == ["aggregator", "engine/breakout"]  # type: ignore[attr-defined]


async def test_a_halt_is_latched_told_and_released(api: tuple[Doors, httpx.AsyncClient]) -> None:
    _, client = api
    order = {"target": "strategy/breakout", "reason": "too many signals"}
    first = await client.post("/halts", json=order)
    assert (first.status_code, first.json()["reason"]) == (201, "too many signals")
    again = await client.post("/halts", json={**order, "reason": "once more"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert await answer(client, "/halts") == {"halts": [first.json()]}
    assert (await answer(client, "/strategies/breakout"))["halted"] is True
    released = await client.post("/halts/release", json={**order, "reason": "mended"})
    assert (released.status_code, released.json()) == (200, {"target": "strategy/breakout", "released": True})
    nothing = await client.post("/halts/release", json=order)
    assert nothing.status_code == 404

    async def told() -> bool:
        alerts = (await client.get("/risk/alerts?target=strategy/breakout")).json()["alerts"]
        return [alert["rule"] for alert in alerts] == ["Released", "Halted"]

    await until(told)


WRONG: tuple[tuple[object, str, str], ...] = (
    ({"target": "strategy/brekout", "reason": "why"}, "target", "pipeline, strategy/breakout"),
    ({"target": "symbol/600000.SH", "reason": "why"}, "target", "pattern"),
    ({"target": "pipeline", "reason": "  "}, "reason", "not all blank"),
    ({"target": "pipeline", "reason": "x" * 501}, "reason", "500"),
    ({"target": "pipeline"}, "reason", "a value"),
    ({"target": "pipeline", "reason": 5}, "reason", "string"),
    ({"target": "pipeline", "reason": "why", "force": True}, "force", "no such parameter"),
    ([1], "body", "valid"),
)


async def test_a_wrong_order_is_refused_with_what_is_allowed(api: tuple[Doors, httpx.AsyncClient]) -> None:
    _, client = api
    for body, field, allowed in WRONG:
        got = await client.post("/halts", json=body)
        assert (got.status_code, got.headers["content-type"]) == (422, "application/problem+json")
        (mistake,) = got.json()["errors"]
        assert mistake["field"] == field
        assert allowed in mistake["allowed"]
    assert await answer(client, "/halts") == {"halts": []}


async def exchange(door: Doors, request: bytes) -> bytes:
    """What the API answers to these bytes, until it closes the connection; nothing when it just closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.api.http_port)
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            answer += part
    writer.close()
    return answer


async def test_requests_beyond_all_bounds_are_refused_and_the_service_goes_on(
    api: tuple[Doors, httpx.AsyncClient],
) -> None:
    door, client = api
    large = b"GET /version HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 20_000 + b"\r\n\r\n"
    assert b" 431 " in await exchange(door, large)
    endless = b"GET /version HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 1_000_000
    assert await exchange(door, endless) == b"" or b" 431 " in await exchange(door, endless)
    many = b"GET /version HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2_500)) + b"\r\n"
    assert b" 431 " in await exchange(door, many)
    assert b" 400 " in await exchange(door, b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    query = await client.get(f"/opportunities?symbol={'x' * 12_000}")
    assert query.status_code == 422
    assert len(query.content) < 2_000
    body = await client.post("/halts", content=b"x" * 70_000, headers={"content-type": "application/json"})
    assert (body.status_code, body.headers["content-type"]) == (413, "application/problem+json")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 1_000

    chunked = await client.post("/halts", content=pieces(), headers={"content-type": "application/json"})
    assert chunked.status_code == 413
    assert (await client.get("/health/ready")).status_code == 200


async def test_two_instances_answer_alike_and_understand_each_others_cursors(
    api: tuple[Doors, httpx.AsyncClient], redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    _, one = api
    await write(redis, NAMES.opportunities, Kind.OPPORTUNITY, *(revision(f"{n}") for n in range(30)))
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    async with api_on(redis_url, other_folder) as (_, other):
        path = "/opportunities?limit=7"

        async def level() -> bool:
            return (await one.get(path)).json()["id"] == "0-32"

        await until(level)
        seen: list[str] = []
        clients = [one, other]
        while True:
            pages = [(await client.get(path)).json() for client in (one, other)]
            assert pages[0] == pages[1]
            seen += [found["id"] for found in pages[0]["opportunities"]]
            if pages[0]["next"] is None:
                break
            path = f"/opportunities?limit=7&cursor={pages[0]['next']}"
            clients.reverse()
        assert seen == [*(f"{n}" for n in reversed(range(30))), examples.OPPORTUNITY.id]


async def test_what_is_asked_of_redis_is_a_problem_while_it_hangs_or_is_gone_and_then_works_again(
    own_server: Server, tmp_path: Path
) -> None:
    redis = log_connection.connect(own_server.url)
    await morning(redis, NAMES)
    await redis.config_set("appendfsync", "always")
    await redis.incr("written")
    asked = ("/halts", "/pipeline", "/strategies", "/strategies/breakout", "/risk/policies", "/risk/verdicts")
    async with api_on(own_server.url, tmp_path) as (door, client):
        own_server.pause()
        for path in asked:
            got = await client.get(path)
            assert (got.status_code, got.headers["retry-after"]) == (503, "1"), path
        assert (await client.get("/opportunities")).status_code == 200
        own_server.resume()
        own_server.kill()
        for path in asked:
            assert (await client.get(path)).status_code == 503, path
        order = await client.post("/halts", json={"target": "pipeline", "reason": "why"})
        assert (order.status_code, order.headers["content-type"]) == (503, "application/problem+json")
        assert (await client.get("/signals")).status_code == 200
        await until(lambda: _state(client, 503))
        own_server.start()
        await until(lambda: _state(client, 200))
        for path in asked:
            assert (await client.get(path)).status_code == 200, path
        assert door.api.stop() == 0
    await redis.aclose()


async def _state(client: httpx.AsyncClient, status: int) -> bool:
    return (await client.get("/health/ready")).status_code == status


async def test_metrics_count_requests_by_route_and_show_feeds_and_sizes(
    api: tuple[Doors, httpx.AsyncClient],
) -> None:
    _, client = api
    for path in ("/opportunities/a", "/opportunities/b", "/nothing"):
        await client.get(path)
    text = (await client.get("/metrics")).text
    assert 'dfp_api_requests_total{method="GET",route="/opportunities/{id}",status="404"} 2.0' in text
    assert 'dfp_api_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'dfp_api_request_seconds_count{route="/opportunities/{id}"} 2.0' in text
    assert 'dfp_api_feed_position{stream="doors:opportunities"} 2.0' in text
    assert 'dfp_api_memory_items{store="symbols"} 1.0' in text
