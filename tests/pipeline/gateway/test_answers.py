"""Which path leads where, what stands in the answers' headers, and what is written down about a request."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from door_processes import DoorProcess
from gateway_process import client, gateway, problem
from upstream import Request, Upstream
from waiting import until

PATHS = [
    "/opportunities",
    "/opportunities/a/history",
    "/outcomes",
    "/signals",
    "/strategies",
    "/strategies/breakout",
    "/halts",
    "/halts/release",
    "/risk/policies",
    "/risk/alerts",
    "/risk/locks",
    "/risk/verdicts",
    "/symbols",
    "/symbols/600000.SH/bars",
    "/market",
    "/pipeline",
    "/version",
    "/health/live",
    "/health/ready",
    "/openapi.json",
]
LONG = json.dumps({"opportunities": ["the same words again and again"] * 100}).encode()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as started:
        yield started


@pytest.fixture
async def entrance(upstream: Upstream, tmp_path: Path) -> AsyncIterator[DoorProcess]:
    with gateway(tmp_path, [upstream.port], DFP_ACCESS_LOG="true") as started:
        started.start()
        await started.ready()
        yield started


@pytest.fixture
async def http(entrance: DoorProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with client(entrance) as connected:
        yield connected


async def test_every_path_of_the_api_leads_there_with_and_without_its_prefix(http: httpx.AsyncClient) -> None:
    for path in PATHS:
        for asked in (path, f"/api{path}"):
            found = await http.get(f"{asked}?limit=1")
            assert (found.status_code, found.text) == (200, f"{path}?limit=1")


async def test_an_unknown_path_below_the_prefix_is_for_the_api_to_refuse(
    http: httpx.AsyncClient, upstream: Upstream
) -> None:
    assert (await http.get("/api/unheard/of")).text == "/unheard/of"
    assert (await http.get("/api/opportunities/%E4%B8%9C%2Fa")).text == "/opportunities/%E4%B8%9C%2Fa"


async def test_an_unknown_path_beside_it_is_a_problem_of_the_gateway(
    http: httpx.AsyncClient, upstream: Upstream
) -> None:
    for path in ("/nothing", "/opportunitiesx", "/apis", "/.env", "/../../etc/passwd"):
        found = await http.get(path)
        assert found.status_code == 404
        problem(found)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/METRICS",
        "/api/metrics",
        "/api/metrics/",
        "/API/Metrics",
        "/api//metrics",
        "//metrics",
        "/api/%6detrics",
        "/api/./metrics",
        "/api/x/../metrics",
        "/opportunities/../metrics",
        "/opportunities/%2e%2e/metrics",
        "/api%2fmetrics",
    ],
)
async def test_the_figures_of_the_api_are_not_public(entrance: DoorProcess, upstream: Upstream, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", entrance.http_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    received = await reader.read()
    writer.close()
    assert received.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in received
    assert upstream.requests == []


async def test_rest_and_page_are_compressed_as_the_client_can_read(http: httpx.AsyncClient, upstream: Upstream) -> None:
    async def long(_: Request, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(LONG)
        writer.write(head + LONG)
        await writer.drain()

    upstream.behaviour = long
    for path in ("/opportunities", "/style.css"):
        for accepted, used in (("gzip", "gzip"), ("zstd, gzip", "zstd"), ("identity", None), ("br", None)):
            async with http.stream("GET", path, headers={"Accept-Encoding": accepted}) as found:
                assert (found.status_code, found.headers.get("content-encoding")) == (200, used)
                assert not used or found.headers["vary"] == "Accept-Encoding"
    assert (await http.get("/opportunities", headers={"Accept-Encoding": "gzip"})).content == LONG


async def test_every_answer_carries_the_security_headers_once_and_names_no_program(http: httpx.AsyncClient) -> None:
    for path in ("/", "/main.js", "/opportunities", "/api/version", "/nothing", "/metrics"):
        found = await http.get(path)
        assert found.headers.get_list("x-content-type-options") == ["nosniff"], path
        assert found.headers.get_list("referrer-policy") == ["no-referrer"], path
        assert len(found.headers.get_list("content-security-policy")) == 1, path
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
        assert "strict-transport-security" not in found.headers
        assert {"server", "via", "x-powered-by"}.isdisjoint(found.headers), path


async def test_the_page_can_only_be_read(http: httpx.AsyncClient, upstream: Upstream) -> None:
    found = await http.post("/index.html", content=b"x")
    assert found.status_code == 405
    problem(found)


def access_lines(entrance: DoorProcess) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in entrance.log.read_text().splitlines())
    return [line for line in lines if line.get("logger") == "http.log.access.door"]


async def test_each_request_is_one_line_that_tells_no_secret(entrance: DoorProcess, http: httpx.AsyncClient) -> None:
    secret = {"Authorization": "Bearer s3cret", "Cookie": "session=s3cret", "Referer": "https://x/?token=s3cret"}
    await http.get("/opportunities?symbol=600000.SH&token=s3cret&password=s3cret", headers=secret)
    await http.get("/nothing")
    await until(lambda: len(access_lines(entrance)) == 2)
    first, second = access_lines(entrance)
    assert (first["status"], second["status"]) == (200, 404)
    request = first["request"]
    assert isinstance(request, dict)
    assert request["uri"].startswith("/opportunities?")
    assert "symbol=600000.SH" in request["uri"]
    assert {"timestamp", "level", "event", "duration", "size"} <= first.keys()
    assert "s3cret" not in entrance.log.read_text()


async def test_the_health_port_tells_figures_and_the_door_does_not(
    entrance: DoorProcess, http: httpx.AsyncClient
) -> None:
    await http.get("/opportunities")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{entrance.health_port}", trust_env=False) as health:
        figures = (await health.get("/metrics")).text
        assert (await health.get("/health/live")).text == "serving\n"
        assert (await health.get("/opportunities")).status_code == 404
    assert re.search(r'caddy_http_requests_total\{.*server="door"\} 1\n', figures)
    assert re.search(r'caddy_http_request_duration_seconds_count\{code="200",.*server="door"\} 1\n', figures)
    assert "caddy_reverse_proxy_upstreams_healthy" in figures


async def test_without_being_asked_the_gateway_logs_no_request(upstream: Upstream, tmp_path: Path) -> None:
    with gateway(tmp_path, [upstream.port]) as quiet:
        quiet.start()
        await quiet.ready()
        async with client(quiet) as http:
            await http.get("/opportunities")
        assert quiet.stop() == 0
        assert "/opportunities" not in quiet.log.read_text()
        assert all(json.loads(line)["event"] for line in quiet.log.read_text().splitlines())
