"""Clients that send too much or too slowly are cut, with a reason where there is one, and harm nobody else."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from door_processes import DoorProcess
from gateway_process import client, gateway, problem
from upstream import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as started:
        yield started


@pytest.fixture
async def entrance(upstream: Upstream, tmp_path: Path) -> AsyncIterator[DoorProcess]:
    with gateway(tmp_path, [upstream.port]) as started:
        started.start()
        await started.ready()
        yield started


async def raw(entrance: DoorProcess, *pieces: bytes) -> bytes:
    """Send bytes and read until the other end closes, on a bare socket: a stream that breaks forgets."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", entrance.http_port))
        sending = asyncio.create_task(loop.sock_sendall(connection, b"".join(pieces)))
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := await loop.sock_recv(connection, 65_536):
                received += data
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return received


async def served(http: httpx.AsyncClient, times: int = 50) -> None:
    """Others are served."""
    for _ in range(times):
        assert (await http.get("/opportunities")).status_code == 200


async def test_a_megabyte_of_headers_is_refused_while_others_are_served(entrance: DoorProcess) -> None:
    head = b"GET /opportunities HTTP/1.1\r\nHost: x\r\n"
    lines = [b"X-%d: " % n + b"a" * 1000 + b"\r\n" for n in range(1000)]
    async with client(entrance) as http:
        refused, _ = await asyncio.gather(raw(entrance, head, *lines, b"\r\n"), served(http))
    assert refused.startswith(b"HTTP/1.1 431 ")


async def test_headers_below_16_kib_are_served(entrance: DoorProcess, upstream: Upstream) -> None:
    async with client(entrance, headers={"X-Large": "a" * 15_000}) as http:
        assert (await http.get("/opportunities")).status_code == 200


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_of_20_mb_is_refused_as_a_problem(
    entrance: DoorProcess, upstream: Upstream, announced: bool
) -> None:
    head = b"POST /halts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    piece = b"a" * 65_536
    if announced:
        pieces = [head + b"Content-Length: 20971520\r\n\r\n", *[piece] * 320]
    else:
        pieces = [head + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n%b\r\n" % piece] * 320, b"0\r\n\r\n"]
    async with client(entrance) as http:
        refused, _ = await asyncio.gather(raw(entrance, *pieces), served(http))
    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    answer = httpx.Response(413, headers={"content-type": "application/problem+json"}, content=body)
    assert "64 KiB" in problem(answer)["detail"]
    assert b"application/problem+json" in head
    assert upstream.seen("POST") == 0


async def test_a_body_of_60_kb_reaches_the_api_whole(entrance: DoorProcess, upstream: Upstream) -> None:
    async with client(entrance) as http:
        assert (await http.post("/halts", content=b"a" * 60_000)).status_code == 200
    assert [len(request.body) for request in upstream.requests] == [60_000]


async def test_200_connections_that_never_finish_their_headers_leave_others_unharmed_and_are_cut(
    entrance: DoorProcess,
) -> None:
    slow = [asyncio.create_task(raw(entrance, b"GET /opportunities HTTP/1.1\r\nHost: ")) for _ in range(200)]
    async with client(entrance) as http:
        await served(http)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*slow)
    assert not any(b" 200 " in answer for answer in answers)


async def test_what_is_no_http_is_refused_and_harms_nobody(entrance: DoorProcess) -> None:
    assert b" 400 " in await raw(entrance, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    async with client(entrance) as http:
        await served(http, 1)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_clients_that_break_their_bodies_off_do_not_have_an_api_left_out(tmp_path: Path, method: bytes) -> None:
    head = b"%b /halts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" % method
    async with Upstream() as first, Upstream() as second:
        with gateway(tmp_path, [first.port, second.port]) as entrance:
            entrance.start()
            await entrance.ready()
            async with client(entrance) as http:
                for _ in range(10):
                    _, writer = await asyncio.open_connection("127.0.0.1", entrance.http_port)
                    writer.write(head + b"half")
                    await writer.drain()
                    writer.close()
                    before = first.seen("GET"), second.seen("GET")
                    await served(http, 6)
                    assert first.seen("GET") > before[0]
                    assert second.seen("GET") > before[1]
