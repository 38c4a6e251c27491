"""Whatever one client does, it is told or cut, and the others go on."""

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from conftest import missing
from door_processes import Doors, publish
from raw_socket import BINARY, CONTINUATION, PING, TEXT, RawSocket, frame, request
from revisions import revision
from socket_messages import next_message
from waiting import until

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)  # the server has no part in this


@pytest.fixture
async def bystander(door: Doors, redis: Redis) -> AsyncIterator[ClientConnection]:
    """A client with no bad intentions; at the end it must still be served."""
    await publish(redis, revision("first"))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0", max_queue=None) as client:
        assert (await next_message(client))["payload"]["id"] == "first"
        yield client
        await publish(redis, revision("last"))
        while (await next_message(client))["payload"]["id"] != "last":
            pass


@pytest.fixture(autouse=True)
async def nothing_is_left_open() -> AsyncIterator[None]:
    yield
    RawSocket.hang_up_all()


def subscribe(**fields: object) -> bytes:
    return json.dumps({"type": "subscribe", **fields}).encode()


async def errors(client: RawSocket, count: int) -> list[dict[str, object]]:
    """The payloads of the next errors."""
    found: list[dict[str, object]] = []
    while len(found) < count:
        _, payload = await client.next()
        messages = [json.loads(line) for line in payload.split(b"\n")]
        found += [message["payload"] for message in messages if message["type"] == "error"]
    return found


@pytest.mark.parametrize(
    ("kind", "payload", "field", "allowed"),
    [
        (TEXT, b"hello", "message", "subscribe"),
        (TEXT, b"", "message", "subscribe"),
        (TEXT, b"[" * 50_000, "message", "subscribe"),
        (TEXT, b'{"type":"publish"}', "type", "publish"),
        (TEXT, subscribe(symbol=["600000.SH"]), "symbol", "symbols"),
        (TEXT, subscribe(symbols="600000.SH"), "symbols", "array"),
        (TEXT, subscribe(symbols=["600000"]), "symbols", "600000.SH"),
        (TEXT, subscribe(sides=["up"]), "sides", "up"),
        (TEXT, subscribe(min_confidence=2), "min_confidence", "1"),
        (BINARY, b"\x00\x01", "message", "text frame"),
    ],
)
async def test_nonsense_is_answered_with_what_is_allowed_and_the_socket_stays_open(
    door: Doors, bystander: ClientConnection, kind: int, payload: bytes, field: str, allowed: str
) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    client.send(frame(kind, payload))
    (error,) = await errors(client, 1)
    assert error["field"] == field
    assert allowed in str(error["allowed"])
    client.send(frame(TEXT, subscribe(symbols=["600000.SH"])))
    while b'"subscribed"' not in (await client.next())[1]:
        pass


async def test_after_ten_errors_the_connection_ends(door: Doors, bystander: ClientConnection) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    client.send(*[frame(TEXT, b"nonsense")] * 1_000)
    assert len(await errors(client, 10)) == 10
    assert await client.closed() == (1008, "10 errors, see the messages before")


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([frame(TEXT, b"x" * 65_537)], 1009),
        ([frame(TEXT, b"x" * 40_000, fin=False), frame(CONTINUATION, b"x" * 40_000)], 1009),
        ([frame(TEXT, b"x", fin=False), *[frame(CONTINUATION, b"x" * 60_000, fin=False)] * 50], 1009),
        ([frame(TEXT, b"\xff\xfe\xfd")], 1007),
        ([frame(CONTINUATION, b"of nothing")], 1002),
        ([b"\xff" * 20], 1002),
    ],
)
async def test_frames_that_are_too_large_or_broken_end_the_connection(
    door: Doors, bystander: ClientConnection, frames: list[bytes], code: int
) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    client.send(*frames)
    assert (await client.closed())[0] == code


async def test_a_subscription_in_fragments_is_understood(door: Doors, bystander: ClientConnection) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    asked = subscribe(symbols=[f"{n:06}.SH" for n in range(4_000)])
    client.send(frame(TEXT, asked[:99], fin=False), frame(CONTINUATION, asked[99:9_999], fin=False))
    client.send(frame(PING, b"between"), frame(CONTINUATION, asked[9_999:]))
    while b'"subscribed"' not in (await client.next())[1]:
        pass


async def test_of_many_subscriptions_at_once_the_last_one_holds(door: Doors, bystander: ClientConnection) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    client.send(*(frame(TEXT, subscribe(min_confidence=n / 1_000)) for n in range(1_000)))
    while b'"min_confidence":0.999' not in (await client.next())[1]:
        pass


async def test_a_handshake_that_does_not_end_is_cut(door: Doors, bystander: ClientConnection) -> None:
    client = await RawSocket.connect(door.streamer.http_port)
    client.send(request()[:50])
    assert await client.ended() == b""


@pytest.mark.parametrize(
    "sent",
    [
        request(more=f"X-Large: {'x' * 2**20}\r\n"),
        request(target="/ws/opportunities?symbols=" + "600000.SH," * 100_000),
        b"x" * 2**20,
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
    ids=["headers", "target", "no request", "post", "tls"],
)
async def test_a_request_that_is_none_or_too_large_is_cut(
    door: Doors, bystander: ClientConnection, sent: bytes
) -> None:
    client = await RawSocket.connect(door.streamer.http_port)
    client.send(sent)
    assert b" 101 " not in await client.ended()


async def test_a_client_that_does_not_answer_pings_is_cut(door: Doors, redis: Redis) -> None:
    door.streamer.environment["DFP_PING_S"] = "0.5"
    await door.start("streamer")
    silent = await RawSocket.open(door.streamer.http_port)
    async with connect(door.socket_url) as lively:
        assert (await silent.closed())[0] == 1001
        await silent.ended()
        await publish(redis, revision("one"))
        while (await next_message(lively))["type"] != "opportunity":
            pass


def memory(door: Doors) -> float:
    """MB that the streamer's process holds."""
    assert door.streamer.process is not None
    return psutil.Process(door.streamer.process.pid).memory_info().rss / 2**20


async def test_pings_of_a_client_that_reads_nothing_take_no_memory(door: Doors, bystander: ClientConnection) -> None:
    client = await RawSocket.open(door.streamer.http_port)
    pings = frame(PING, b"x" * 125) * 1_000
    before = memory(door)
    for number in range(700):
        client.send(pings)
        await client.writer.drain()
        if number == 100:
            before = memory(door)  # buffers have grown to what they need
    assert memory(door) - before < 16  # of 78 MB


async def test_clients_that_read_nothing_take_bounded_memory(
    door: Doors, redis: Redis, bystander: ClientConnection
) -> None:
    for first in range(0, 8_000, 200):  # about 10 MB; they are in the history when the silent ones come
        await publish(redis, *(revision(f"{n}", reason="x" * 500) for n in range(first, first + 200)))
        while (await next_message(bystander))["payload"]["id"] != f"{first + 199}":
            pass
    before = memory(door)
    silent = [await RawSocket.open(door.streamer.http_port, "/ws/opportunities?last_id=0-0") for _ in range(60)]
    snapshots = [await RawSocket.open(door.streamer.http_port) for _ in range(60)]
    for client in silent + snapshots:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    each = 256 / 1024 + 2 * 64 / 1024
    await until(lambda: memory(door) - before > 120 * each / 3)  # they are stuck, most of them
    await publish(redis, *(revision(f"more-{n}", reason="x" * 500) for n in range(1_000)))
    while (await next_message(bystander))["payload"]["id"] != "more-999":
        pass
    assert memory(door) - before < 120 * each + 16


@pytest.fixture
def many_files() -> Iterator[Callable[[int], None]]:
    """Lets this process have many open files; skips where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def allow(count: int) -> None:
        if hard < count:
            missing(f"a limit of {count} open files", f"raise the hard limit (ulimit -Hn), which is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))

    yield allow
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_ten_thousand_idle_connections_are_no_burden(
    door: Doors, many_files: Callable[[int], None], bystander: ClientConnection
) -> None:
    many_files(10_500)
    before = memory(door)
    with ExitStack() as stack:
        for first in range(0, 10_000, 100):
            batch = [stack.enter_context(socket.create_connection(("127.0.0.1", door.streamer.http_port)))
                     for _ in range(100)]  # fmt: skip
            for each in batch:
                each.sendall(request("/ws/opportunities?last_id=0-1"))
            for each in batch:
                assert (await asyncio.to_thread(each.recv, 12)) == b"HTTP/1.1 101", first
        assert (memory(door) - before) * 1024 / 10_000 < 32  # kB each
