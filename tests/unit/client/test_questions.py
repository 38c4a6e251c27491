"""REST questions, against a small server that answers as the contract says."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import free_port
from dfp.client import (
    AsyncClient,
    BadAnswer,
    Client,
    ClientError,
    NotFound,
    NotNow,
    Refused,
    StrategyStatus,
    Unreachable,
)
from dfp.contracts import codec
from dfp.contracts.opportunity import CloseReason
from dfp.contracts.outcome import Outcome, Tradable
from dfp.contracts.risk import Halt
from dfp.contracts.signal import Direction
from documents import MORNING, SESSION, alert, signal
from revisions import revision
from small_servers import SILENCE, SmallApi, small_api

SIGNAL, ALERT = signal(), alert("house/volatility")
OUTCOME = Outcome(
    id="a",
    symbol="300122.SZ",
    session=SESSION,
    side=Direction.UP,
    confidence=0.6,
    strategies=["breakout"],
    opened=MORNING,
    closed=CloseReason.EXPIRED,
    horizon_end=MORNING + 1,
    tradable=Tradable.YES,
    entry=87.3,
    exit=88.1,
    return_at_horizon=0.01,
    return_at_close=0.01,
    mfe=0.02,
    mae=0.0,
    cost=0.001,
)
HALT = Halt(target="pipeline", cause="person", since=7, reason="why")
STATUS: dict[str, Any] = {
    "name": "breakout",
    "mode": "Live",
    "revision": "0123456789abcdef",
    "parameters": {"volume_factor": 2.0},
    "running": True,
    "owner": "engine-0",
    "halted": False,
    "behind": 3,
    "counters": {"signals": 7},
    "last_signal": MORNING,
}
WRONG = {
    "status": 422,
    "title": "Unprocessable Content",
    "detail": "target: 'x' is not allowed, expected pipeline, strategy/breakout",
    "errors": [{"field": "target", "value": "x", "allowed": "pipeline, strategy/breakout"}],
}


@pytest.fixture
async def api() -> AsyncIterator[SmallApi]:
    async with small_api() as found:
        yield found


@pytest.fixture
async def client(api: SmallApi) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api.url) as found:
        yield found


def plain(document: codec.Document) -> object:
    return json.loads(codec.encode(document))


async def test_a_list_is_read_page_after_page(api: SmallApi, client: AsyncClient) -> None:
    api.answer({"id": "0-9", "opportunities": [plain(revision("a")), plain(revision("b"))], "next": "c1"})
    api.answer({"id": "0-9", "opportunities": [plain(revision("c"))], "next": None})
    found = [one.id async for one in client.opportunities(symbol="600000.SH", min_confidence=0.5)]
    assert found == ["a", "b", "c"]
    assert [asked.path for asked in api.asked] == ["/api/opportunities"] * 2
    assert [asked.query for asked in api.asked] == [
        {"symbol": "600000.SH", "min_confidence": "0.5", "limit": "1000"},
        {"symbol": "600000.SH", "min_confidence": "0.5", "limit": "1000", "cursor": "c1"},
    ]


async def test_a_limit_is_that_of_the_whole_list(api: SmallApi, client: AsyncClient) -> None:
    api.answer({"opportunities": [plain(revision("a")), plain(revision("b"))], "next": "c1"})
    api.answer({"opportunities": [plain(revision("c")), plain(revision("d"))], "next": "c2"})
    assert [one.id async for one in client.opportunities(limit=3)] == ["a", "b", "c"]
    assert [asked.query["limit"] for asked in api.asked] == ["3", "1"]


DOCUMENTS = (
    plain(revision("a/b")),
    {"revisions": [plain(revision("a")), plain(revision("a", 2))]},
    plain(OUTCOME),
    {"signals": [plain(SIGNAL)], "next": None},
    {"alerts": [plain(ALERT)], "next": None},
    {"halts": [plain(HALT)]},
    {"strategies": [STATUS]},
    {"name": "dongfengpo", "version": "1", "feed": None, "later": 1},
    {"target": "pipeline", "released": True},
)
PATHS = [
    "/opportunities/a%2Fb",
    "/opportunities/a/history",
    "/opportunities/a/outcome",
    "/signals",
    "/risk/alerts",
    "/halts",
    "/strategies",
    "/version",
    "/halts/release",
]


async def test_every_document_comes_in_its_type(api: SmallApi, client: AsyncClient) -> None:
    for document in DOCUMENTS:
        api.answer(document)
    assert await client.opportunity("a/b") == revision("a/b")
    assert await client.history("a") == [revision("a"), revision("a", 2)]
    assert await client.outcome("a") == OUTCOME
    assert [one async for one in client.signals(direction="Up")] == [SIGNAL]
    assert [one async for one in client.alerts(severity="Warning")] == [ALERT]
    assert await client.halts() == [HALT]
    assert await client.strategies() == [StrategyStatus(**STATUS)]
    assert (await client.version()).name == "dongfengpo"
    await client.release("pipeline", "mended")
    assert [asked.path.removeprefix("/api") for asked in api.asked] == PATHS


async def test_the_plain_client_gives_the_same_documents(api: SmallApi) -> None:
    for document in DOCUMENTS:
        api.answer(document)

    def use() -> None:
        with Client(api.url) as client:
            assert client.opportunity("a/b") == revision("a/b")
            assert client.history("a") == [revision("a"), revision("a", 2)]
            assert client.outcome("a") == OUTCOME
            assert list(client.signals(direction="Up")) == [SIGNAL]
            assert list(client.alerts(severity="Warning")) == [ALERT]
            assert client.halts() == [HALT]
            assert client.strategies() == [StrategyStatus(**STATUS)]
            assert client.version().name == "dongfengpo"
            client.release("pipeline", "mended")

    await asyncio.to_thread(use)
    assert [asked.path.removeprefix("/api") for asked in api.asked] == PATHS


async def test_a_halt_says_whether_it_is_new(api: SmallApi, client: AsyncClient) -> None:
    api.answer(plain(HALT), 201)
    api.answer(plain(HALT), 200)
    assert (await client.halt("pipeline", "why")).new
    assert not (await client.halt("pipeline", "why")).new
    assert api.asked[0].method == "POST"
    assert api.asked[0].body == {"target": "pipeline", "reason": "why"}


async def test_releasing_what_is_not_halted_is_an_error_of_its_own(api: SmallApi, client: AsyncClient) -> None:
    api.answer({"target": "pipeline", "released": True})
    api.answer({"status": 404, "title": "Not Found", "detail": "pipeline is not halted"}, 404)
    await client.release("pipeline", "mended")
    with pytest.raises(NotFound, match="pipeline is not halted"):
        await client.release("pipeline", "mended")


async def test_a_refusal_carries_field_value_and_what_is_allowed(api: SmallApi, client: AsyncClient) -> None:
    api.answer(WRONG, 422)
    with pytest.raises(Refused, match="target: 'x' is not allowed") as refused:
        await client.halt("x", "why")
    found = refused.value
    assert (found.field, found.value, found.allowed) == ("target", "x", "pipeline, strategy/breakout")
    assert found.problem.status == 422


async def test_a_get_is_asked_again_until_the_service_is_ready(api: SmallApi, client: AsyncClient) -> None:
    api.answer({"status": 503, "title": "Service Unavailable", "detail": "reading"}, 503, retry_after="0")
    api.answer(b"no answer from behind", 502)
    api.answer({"halts": []})
    assert await client.halts() == []
    assert len(api.asked) == 3


async def test_a_service_that_does_not_become_ready_in_time_is_said_to_be_so(api: SmallApi) -> None:
    api.answer({"status": 503, "title": "Service Unavailable", "detail": "reading the log"}, 503)
    async with AsyncClient(api.url, timeout_s=0.5) as client:
        with pytest.raises(NotNow, match="reading the log"):
            await client.halts()
    assert len(api.asked) > 1


async def test_a_service_that_falls_silent_after_it_said_why_is_quoted(api: SmallApi) -> None:
    api.answer({"status": 503, "title": "Service Unavailable", "detail": "reading the log"}, 503)
    api.answer(SILENCE)
    async with AsyncClient(api.url, timeout_s=0.5) as client:
        with pytest.raises(NotNow, match="reading the log"):
            await client.halts()


async def test_a_service_that_says_nothing_is_too_slow(api: SmallApi) -> None:
    api.answer(SILENCE)
    async with AsyncClient(api.url, timeout_s=0.2) as client:
        with pytest.raises(Unreachable, match="too slow"):
            await client.halts()


async def test_what_changes_something_is_asked_once(api: SmallApi, client: AsyncClient) -> None:
    api.answer({"status": 503, "title": "Service Unavailable", "detail": "reading"}, 503)
    with pytest.raises(NotNow):
        await client.halt("pipeline", "why")
    assert len(api.asked) == 1


async def test_nobody_there_is_an_error_that_names_the_url() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with AsyncClient(url, timeout_s=0.3) as client:
        for ask in (client.version(), client.halt("pipeline", "why")):
            with pytest.raises(Unreachable, match=url):
                await ask


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"other":[]}', b'{"halts":[{"target":1}]}', b"\xff"])
async def test_an_answer_of_another_program_is_said_to_be_one(api: SmallApi, client: AsyncClient, body: bytes) -> None:
    api.answer(body)
    with pytest.raises(BadAnswer):
        await client.halts()


async def test_an_error_that_is_no_problem_is_shown_as_it_is(api: SmallApi, client: AsyncClient) -> None:
    api.answer(b"<html>teapot</html>", 418)
    with pytest.raises(Refused, match="teapot") as refused:
        await client.version()
    assert (refused.value.problem.status, refused.value.field) == (418, "")


async def test_the_plain_client_asks_the_same(api: SmallApi) -> None:
    api.answer({"opportunities": [plain(revision("a")), plain(revision("b"))], "next": "c1"})
    api.answer({"opportunities": [plain(revision("c"))], "next": None})
    api.answer(WRONG, 422)

    def use() -> None:
        with Client(api.url) as client:
            assert [one.id for one in client.opportunities()] == ["a", "b", "c"]
            with pytest.raises(ClientError, match="is not allowed"):
                client.halt("x", "why")

    await asyncio.to_thread(use)


async def test_a_list_may_be_left_early(api: SmallApi) -> None:
    api.answer({"opportunities": [plain(revision("a"))], "next": "c1"})

    def use() -> str:
        with Client(api.url) as client:
            return next(client.opportunities()).id

    assert await asyncio.to_thread(use) == "a"


async def test_tls_is_spoken_with_those_who_are_trusted(certificate: tuple[Path, Path]) -> None:
    path, key = certificate
    async with small_api(ssl_certfile=str(path), ssl_keyfile=str(key)) as api:
        api.answer({"name": "dongfengpo", "version": "1", "feed": None})
        async with AsyncClient(api.url, tls=ssl.create_default_context(cafile=str(path))) as client:
            assert (await client.version()).version == "1"
        async with AsyncClient(api.url, timeout_s=0.2) as stranger:
            with pytest.raises(Unreachable, match="certificate"):
                await stranger.version()
