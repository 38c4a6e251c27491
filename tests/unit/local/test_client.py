"""Our own WebSocket client, against a small server that speaks as the streamer does."""

import asyncio
import json

import pytest
from picows import WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from conftest import free_port
from dfp.contracts.errors import ContractError
from dfp.local.client import Client
from dfp.local.latency import Latencies
from waiting import until

MS = 1_000_000


def message(kind: str, seq: int, **hops: int) -> bytes:
    return json.dumps({"type": kind, "id": f"0-{seq}", "payload": {"rev": 1}, "hops": hops}).encode()


def test_latencies_end_at_the_receipt_of_the_message() -> None:
    client = Client(0, Latencies(paced=False))
    client.take(message("opportunity", 1, ingest=0, push=4 * MS), 5 * MS)
    hops = client.latencies.summary()["hops"]
    assert list(hops) == ["push", "receive"]
    assert client.seen == 1


def test_a_message_that_is_sent_again_after_a_resume_is_not_measured_twice() -> None:
    client = Client(0, Latencies(paced=False))
    client.take(message("snapshot", 7), 0)
    client.take(message("opportunity", 7, ingest=0), 9 * MS)
    client.take(message("heartbeat", 7), 0)
    assert client.latencies.end_to_end.get_total_count() == 0
    assert client.seen == 7


def test_a_resync_starts_counting_again() -> None:
    client = Client(0, Latencies(paced=False))
    client.take(message("snapshot", 7), 0)
    client.take(message("resync", 3), 0)
    client.take(message("snapshot", 3), 0)
    assert client.seen == 3


def test_an_id_that_is_no_sequence_number_is_refused() -> None:
    with pytest.raises(ContractError):
        Client(0, Latencies(paced=False)).take(b'{"type":"heartbeat","id":"1654047063-0"}', 0)


class Streamer(WSListener):
    """Sends one opportunity in two fragments, a ping, and goodbye."""

    pongs = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        data = message("opportunity", 5, ingest=0)
        transport.send(WSMsgType.TEXT, data[:20], fin=False)
        transport.send(WSMsgType.CONTINUATION, data[20:])
        transport.send_ping(b"there?")

    def on_ws_frame(self, transport: WSTransport, frame: object) -> None:
        if frame.msg_type == WSMsgType.PONG:  # type: ignore[attr-defined]
            Streamer.pongs += 1
            transport.send_close()
        else:
            transport.disconnect()


async def test_a_lost_connection_is_resumed_with_the_last_id() -> None:
    asked: list[str] = []

    def accept(request: WSUpgradeRequest) -> WSListener:
        asked.append(request.path.decode())
        return Streamer()

    port = free_port()
    client = Client(port, Latencies(paced=False))
    running = asyncio.create_task(client.run())
    try:
        server = await ws_create_server(accept, "127.0.0.1", port)
        async with server:
            await until(lambda: len(asked) >= 2)
            await until(lambda: Streamer.pongs >= 2)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert asked[:2] == ["/ws/opportunities", "/ws/opportunities?last_id=0-5"]
    assert client.latencies.end_to_end.get_total_count() == 1
