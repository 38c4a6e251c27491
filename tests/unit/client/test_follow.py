"""A follower over real sockets, against a small server that says what the contract lets a streamer say."""

import asyncio
import ssl
import threading
from http import HTTPStatus
from pathlib import Path

import pytest
from picows import WSCloseCode, WSMsgType

import told
from conftest import free_port
from dfp.client import (
    AsyncClient,
    BadAnswer,
    Client,
    Connected,
    Event,
    Heartbeat,
    Lost,
    NotSubscribed,
    Refused,
    Resync,
    Revision,
    RiskAlert,
    Snapshot,
)
from dfp.client.connection import MANY
from dfp.contracts.risk import Alert, Severity
from events import kinds, take
from revisions import revision
from small_servers import Caller, small_streamer
from waiting import until

ALERT = Alert(id="a", rule="house/volatility", severity=Severity.WARNING, target="pipeline", time=1, message="m")


async def test_every_message_of_the_contract_becomes_an_event_also_several_of_one_frame() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(told.snapshot(3, [revision("a", 2)]), told.opportunity(4, revision("a", 3), ingest=5))
        caller.tell(told.heartbeat(4), told.alert(9, ALERT), b'{"type":"news","id":"0-4","payload":{}}')
        caller.tell(told.resync(2), told.snapshot(2, reason="lost"), told.refused(2, "type", "hello", "subscribe"))

    async with small_streamer(greet) as streamer, AsyncClient(streamer.url) as client:
        connected, snapshot, changed, *others = await take(client.follow(), 8)
    assert connected == Connected(None)
    assert snapshot == Snapshot("0-3", [revision("a", 2)], None)
    assert isinstance(changed, Revision)
    assert (changed.id, changed.opportunity, changed.hops) == ("0-4", revision("a", 3), {"ingest": 5})
    assert changed.received > 0
    assert others == [
        Heartbeat("0-4"),
        RiskAlert("0-9", ALERT),
        Resync("0-2", "the log has lost entries"),
        Snapshot("0-2", [], "lost"),
        NotSubscribed("type", "hello", "subscribe"),
    ]


async def test_a_message_in_fragments_is_one_message_and_pings_are_answered() -> None:
    def greet(caller: Caller) -> None:
        data = told.snapshot(3, [revision("东风破")])
        for n, start in enumerate(range(0, len(data), 50)):
            kind, last = WSMsgType.CONTINUATION if n else WSMsgType.TEXT, start + 50 >= len(data)
            caller.transport.send(kind, data[start : start + 50], fin=last)
        caller.transport.send_ping(b"there?")

    async with small_streamer(greet) as streamer, AsyncClient(streamer.url) as client:
        _, snapshot = await take(client.follow(), 2)
        await until(lambda: streamer.callers[0].pongs)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.opportunities[0].id == "东风破"


async def test_a_lost_connection_is_resumed_and_what_is_told_again_is_left_out() -> None:
    def first(caller: Caller) -> None:
        caller.tell(told.snapshot(3), told.opportunity(4, revision("a")))
        caller.transport.send_close(WSCloseCode.SERVICE_RESTART, b"the streamer restarts")

    def second(caller: Caller) -> None:
        caller.tell(told.opportunity(4, revision("a")), told.opportunity(5, revision("a", 2)))

    greetings = (first, HTTPStatus.SERVICE_UNAVAILABLE, second)
    async with small_streamer(*greetings) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow(min_confidence=0.5)
        events = await take(follow, 7)
    assert kinds(events) == [Connected, Snapshot, Revision, Lost, Lost, Connected, Revision]
    assert isinstance(events[3], Lost)
    assert events[3].reason == "closed by the server: the streamer restarts"
    assert events[5] == Connected("0-4")
    assert [caller.query for caller in streamer.callers] == [
        {"min_confidence": "0.5"},
        {"min_confidence": "0.5", "last_id": "0-4"},
    ]
    assert follow.last_id == "0-5"


async def test_pauses_grow_while_nobody_answers() -> None:
    async with AsyncClient(f"http://127.0.0.1:{free_port()}") as client:
        pauses = [event.pause_s for event in await take(client.follow(), 4) if isinstance(event, Lost)]
    assert len(pauses) == 4
    assert pauses[0] <= 0.1 < pauses[2] <= 0.4


async def test_what_is_no_web_server_is_tried_again() -> None:
    async def chat(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(chat, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AsyncClient(f"http://127.0.0.1:{port}") as client:
        assert kinds(await take(client.follow(), 2)) == [Lost, Lost]


async def test_pauses_grow_while_connections_do_not_last() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(told.snapshot(1))
        caller.transport.send_close(WSCloseCode.POLICY_VIOLATION, b"no")

    async with small_streamer(greet) as streamer, AsyncClient(streamer.url) as client:
        pauses = [event.pause_s for event in await take(client.follow(), 11) if isinstance(event, Lost)]
    assert pauses[0] <= 0.1 < pauses[2] <= 0.4


async def test_a_question_that_is_refused_ends_in_an_error_that_says_what_the_server_said() -> None:
    async with small_streamer(HTTPStatus.BAD_REQUEST) as streamer, AsyncClient(streamer.url) as client:
        with pytest.raises(Refused, match="expected Up, Down") as refused:
            await take(client.follow(), 1)
    assert refused.value.problem.status == 400


async def test_asking_for_an_event_may_be_cancelled_and_nothing_is_lost() -> None:
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow(last_id="0-0")
        await take(follow, 1)
        found: list[Event] = []
        for seq in range(1, 50):
            asking = asyncio.create_task(anext(follow))  # type: ignore[arg-type]
            streamer.callers[0].tell(told.opportunity(seq, revision(str(seq))))
            for _ in range(seq % 5):
                await asyncio.sleep(0)
            asking.cancel()
            (done,) = await asyncio.gather(asking, return_exceptions=True)
            if isinstance(done, Revision):
                found.append(done)
        found += await take(follow, 49 - len(found))
    assert [event.id for event in found if isinstance(event, Revision)] == [f"0-{seq}" for seq in range(1, 50)]


async def test_a_reader_that_does_not_keep_up_lets_the_server_wait_and_loses_nothing() -> None:
    count = 10 * MANY
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow(last_id="0-0")
        await take(follow, 1)
        made = revision("a", reason="x" * 400)
        for seq in range(1, count + 1):
            streamer.callers[0].tell(told.opportunity(seq, made))
        connection = follow._connection
        assert connection is not None
        await until(lambda: connection._paused)
        sent = streamer.callers[0].transport.underlying_transport
        assert sent.get_write_buffer_size() > 0
        events = await take(follow, count)
    assert [event.id for event in events if isinstance(event, Revision)] == [f"0-{n}" for n in range(1, count + 1)]


async def test_a_server_that_is_silent_for_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfp.client.connection.SILENCE_S", 0.2)
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        _, lost, connected = await take(client.follow(last_id="0-4"), 3)
    assert isinstance(lost, Lost)
    assert lost.reason == "no sign of life for 0.2 s"
    assert connected == Connected("0-4")


async def test_what_is_no_message_is_an_error_and_the_next_is_taken() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(b"{", told.snapshot(1))

    async with small_streamer(greet) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow()
        await take(follow, 1)
        with pytest.raises(BadAnswer, match="does not understand"):
            await take(follow, 1)
        assert kinds(await take(follow, 1)) == [Snapshot]


@pytest.mark.parametrize("there", [True, False])
async def test_closing_ends_an_iteration_that_waits_for_a_message_or_for_a_server(there: bool) -> None:
    async with small_streamer(lambda caller: None) as streamer:
        url = streamer.url if there else f"http://127.0.0.1:{free_port()}"
        async with AsyncClient(url) as client:
            follow, events = client.follow(), list[Event]()

            async def iterate() -> None:
                async for event in follow:
                    events.append(event)

            iterating = asyncio.create_task(iterate())
            await until(lambda: events)
            await follow.aclose()
            await asyncio.wait_for(iterating, 10)
            assert follow.closed


async def test_closing_during_a_handshake_leaves_no_connection() -> None:
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow()
        connecting = asyncio.create_task(take(follow, 1))
        await asyncio.sleep(0)
        await follow.aclose()
        with pytest.raises(StopAsyncIteration):
            await connecting
        await until(lambda: all(caller.transport.is_disconnected for caller in streamer.callers))


async def test_a_client_that_is_closed_closes_what_it_follows() -> None:
    async with small_streamer(lambda caller: None) as streamer:
        async with AsyncClient(streamer.url) as client:
            follow = client.follow()
            await take(follow, 1)
        assert follow.closed
        await until(lambda: streamer.callers[0].transport.is_disconnected)


async def test_the_plain_client_follows_too_and_can_be_closed_from_another_thread() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(told.snapshot(3), told.opportunity(4, revision("a")))

    def use(url: str) -> list[Event]:
        with Client(url) as client, client.follow() as follow:
            events = [next(follow) for _ in range(3)]
            assert follow.last_id == "0-4"
            follow.subscribe(sides=["Up"])
            closer = threading.Thread(target=follow.close)
            closer.start()
            assert list(follow) == []
            closer.join()
            return events

    async with small_streamer(greet) as streamer:
        assert kinds(await asyncio.to_thread(use, streamer.url)) == [Connected, Snapshot, Revision]
        await until(lambda: streamer.callers[0].transport.is_disconnected)


async def test_a_gateway_with_tls_is_followed_by_those_who_trust_it(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    async with small_streamer(lambda caller: caller.tell(told.snapshot(1)), tls=context) as streamer:
        async with AsyncClient(streamer.url, tls=trusting) as client:
            assert kinds(await take(client.follow(), 2)) == [Connected, Snapshot]
        async with AsyncClient(streamer.url) as client:
            (lost,) = await take(client.follow(), 1)
    assert isinstance(lost, Lost)
    assert "certificate" in lost.reason.lower()
