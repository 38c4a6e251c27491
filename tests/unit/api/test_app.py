"""The REST door: what it answers, and how it says what was wrong with a question."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from conftest import free_port
from dfp.api.app import create_app
from dfp.api.inquiry import Inquiry
from dfp.api.memory import Memory
from dfp.api.store import Store
from dfp.contracts import codec
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.signal import Direction
from dfp.log.connection import connect
from dfp.runtime.probes import Health
from revisions import entry, revision

REVISIONS = (
    revision("a", symbol="600000.SH", confidence=0.65),
    revision("b", symbol="000001.SZ", side=Direction.DOWN, confidence=0.7),
    revision("c", symbol="600000.SH", state=State.CONFIRMED, confidence=0.9),
    revision("b", 2, symbol="000001.SZ", side=Direction.DOWN, state=State.CLOSED, confidence=0.1),
)


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    for seq, taken in enumerate(REVISIONS, 1):
        memory.opportunities.take(entry(seq, taken), taken)
    for store in (memory.opportunities, memory.signals, memory.shadow_signals, memory.outcomes, memory.alerts):
        store.caught_up()
    return memory


@pytest.fixture
def store(memory: Memory) -> Store:
    return memory.opportunities


@pytest.fixture
async def client(memory: Memory, health: Health) -> AsyncIterator[httpx.AsyncClient]:
    """The application in memory; nobody listens where its Redis should be."""
    redis = connect(f"redis://127.0.0.1:{free_port()}")
    app = create_app(memory, Inquiry(redis, Names("test")), health, "1.2.3")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
    await redis.aclose()


async def ids(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/opportunities{query}")
    assert answer.status_code == 200, answer.text
    return [found["id"] for found in answer.json()["opportunities"]]


async def problem(client: httpx.AsyncClient, path: str, status: int) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


async def test_the_list_has_each_opportunitys_latest_revision_newest_first(client: httpx.AsyncClient) -> None:
    answer = await client.get("/opportunities")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert [(found["id"], found["rev"]) for found in body["opportunities"]] == [("b", 2), ("c", 1), ("a", 1)]
    assert body["id"] == "0-4"


async def test_items_are_the_logs_own_bytes(client: httpx.AsyncClient) -> None:
    answer = await client.get("/opportunities?symbol=000001.SZ")
    assert codec.encode(REVISIONS[3]) in answer.content


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?symbol=600000.SH", ["c", "a"]),
        ("?symbol=600000.sh", ["c", "a"]),
        ("?state=Closed", ["b"]),
        ("?side=Down", ["b"]),
        ("?min_confidence=0.65", ["c", "a"]),
        ("?limit=2", ["b", "c"]),
        ("?symbol=600000.SH&state=Tracking&side=Up&min_confidence=0.5&limit=10", ["a"]),
        ("?symbol=600001.SH", []),
    ],
)
async def test_filters_are_combined(client: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    assert await ids(client, query) == expected


async def test_one_opportunity_is_found_by_its_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/opportunities/b")
    assert codec.decode(answer.content, Opportunity) == REVISIONS[3]


@pytest.mark.parametrize(
    ("query", "field", "value", "allowed"),
    [
        ("state=Open", "state", "Open", "'Tracking', 'Confirmed' or 'Closed'"),
        ("side=Sideways", "side", "Sideways", "'Up', 'Down' or 'Flat'"),
        ("min_confidence=1.5", "min_confidence", "1.5", "less than or equal to 1"),
        ("min_confidence=nan", "min_confidence", "nan", "finite"),
        ("limit=0", "limit", "0", "greater than or equal to 1"),
        ("limit=many", "limit", "many", "integer"),
        ("symbol=gold", "symbol", "gold", "600000.SH"),
        ("sybmol=600000.SH", "sybmol", "600000.SH", "no such parameter"),
        ("limit=1_0", "limit", "1_0", "digits only"),
        ("since=-1", "since", "-1", "greater than or equal to 0"),
        ("until=1e9", "until", "1e9", "digits only"),
        ("strategy=No!", "strategy", "No!", "pattern"),
        ("cursor=v2.opportunities.5", "cursor", "v2.opportunities.5", "of version v1, not v2"),
        ("cursor=v1.signals.5", "cursor", "v1.signals.5", "of opportunities, not of signals"),
        ("cursor=5", "cursor", "5", "as `next` gave it"),
    ],
)
async def test_a_wrong_filter_is_named_with_its_value_and_what_is_allowed(
    client: httpx.AsyncClient, query: str, field: str, value: str, allowed: str
) -> None:
    body = await problem(client, f"/opportunities?{query}", 422)
    (mistake,) = body["errors"]
    assert (mistake["field"], mistake["value"]) == (field, value)
    assert allowed in mistake["allowed"]
    assert field in body["detail"]


async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient) -> None:
    body = await problem(client, "/opportunities/nope", 404)
    assert body["errors"][0]["value"] == "nope"


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client: httpx.AsyncClient) -> None:
    await problem(client, "/opportunity", 404)
    answer = await client.post("/opportunities")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_route_without_parameters_refuses_them_too(client: httpx.AsyncClient) -> None:
    for path in ("/opportunities/b?rev=1", "/symbols?limit=5", "/version?x", "/metrics?name=a"):
        body = await problem(client, path, 422)
        assert body["errors"][0]["allowed"].startswith("no such parameter")


async def test_a_path_with_several_methods_names_them_all(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/halts")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_what_only_redis_knows_is_a_problem_that_says_when_to_ask_again(client: httpx.AsyncClient) -> None:
    for path in ("/halts", "/pipeline", "/strategies", "/risk/policies"):
        body = await problem(client, path, 503)
        assert "redis does not answer" in body["detail"]
    order = await client.post("/halts", json={"target": "pipeline", "reason": "why"})
    assert order.headers["retry-after"] == "1"
    assert "a repeat does no harm" in order.json()["detail"]


async def test_a_history_has_every_revision_and_an_outcome_is_missing_until_it_is_known(
    client: httpx.AsyncClient,
) -> None:
    history = await client.get("/opportunities/b/history")
    assert [found["rev"] for found in history.json()["revisions"]] == [1, 2]
    await problem(client, "/opportunities/nope/history", 404)
    body = await problem(client, "/opportunities/b/outcome", 404)
    assert "whose horizon is over" in body["errors"][0]["allowed"]


async def test_before_it_has_caught_up_it_says_so_instead_of_giving_a_part(
    client: httpx.AsyncClient, store: Store
) -> None:
    store.reset("the log was replaced")
    for path in ("/opportunities", "/opportunities/a"):
        body = await problem(client, path, 503)
        assert "still being read" in body["detail"]


async def test_an_error_of_our_own_is_a_problem_without_its_secrets(
    client: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(store, "get", broken)
    body = await problem(client, "/opportunities/a", 500)
    assert "secret" not in json.dumps(body)


async def test_probes_follow_the_services_health(client: httpx.AsyncClient, health: Health) -> None:
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 503
    health.become("serving", ready=True)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.text) == (200, "serving\n")


async def test_the_version_is_told_even_if_nobody_knows_where_the_ticks_come_from(client: httpx.AsyncClient) -> None:
    assert (await client.get("/version")).json() == {"name": "dongfengpo", "version": "1.2.3", "feed": None}


async def test_the_schema_is_served(client: httpx.AsyncClient) -> None:
    assert "/opportunities" in (await client.get("/openapi.json")).json()["paths"]
