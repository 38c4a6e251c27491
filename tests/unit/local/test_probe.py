import asyncio

import pytest

from conftest import free_port
from dfp.local.probe import NO_ANSWER, Readiness, http_probe, parse, redis_probe


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nserving\n", Readiness(True, "serving")),
        (b"HTTP/1.1 503 X\r\n\r\ncompiling feature kernel\n", Readiness(False, "compiling feature kernel")),
        (b"HTTP/1.1 200 OK\r\n\r\n", Readiness(True, "ready")),
        (b"", NO_ANSWER),
        (b"SSH-2.0-OpenSSH\r\n", NO_ANSWER),
    ],
)
def test_an_answer_tells_readiness_and_state(answer: bytes, expected: Readiness) -> None:
    assert parse(answer) == expected


async def test_a_port_on_which_nobody_listens_gives_no_answer() -> None:
    assert await http_probe(free_port())() == NO_ANSWER
    assert (await redis_probe(f"redis://127.0.0.1:{free_port()}")()).ready is False


async def test_a_health_port_is_asked_for_readiness() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\nwaiting for the lease\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        found = await http_probe(server.sockets[0].getsockname()[1])()
    assert found == Readiness(False, "waiting for the lease")
    assert asked == [b"GET /health/ready HTTP/1.1\r\n"]
