"""The client that times what comes through the door, against a small server that speaks as the streamer does."""

import asyncio
import contextlib

import told
from dfp.client import Heartbeat, Resync, Revision, Snapshot
from dfp.local.client import Client
from dfp.local.latency import Latencies
from revisions import revision
from small_servers import Caller, small_streamer
from waiting import until

MS = 1_000_000


def test_latencies_end_at_the_receipt_of_the_message() -> None:
    client = Client(0, Latencies(paced=False))
    client.take(Revision("0-1", revision(), {"ingest": 0, "push": 4 * MS}, received=5 * MS))
    hops = client.latencies.summary()["hops"]
    assert list(hops) == ["push", "receive"]
    assert client.seen == 1


def test_a_snapshot_is_not_measured() -> None:
    client = Client(0, Latencies(paced=False))
    client.take(Snapshot("0-7", [revision()], None))
    client.take(Heartbeat("0-8"))
    assert client.latencies.end_to_end.get_total_count() == 0
    assert client.seen == 8


def test_a_resync_starts_counting_again() -> None:
    client = Client(0, Latencies(paced=False))
    for event in (Snapshot("0-7", [], None), Resync("0-3", "lost")):
        client.take(event)
    assert client.seen == 0
    client.take(Snapshot("0-3", [], None))
    assert client.seen == 3


async def test_what_is_sent_again_after_a_resume_is_not_measured_twice() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(told.snapshot(4), told.opportunity(5, revision(), ingest=0))
        caller.transport.send_close()

    async with small_streamer(greet) as streamer:
        client = Client(int(streamer.url.rpartition(":")[2]), Latencies(paced=False))
        running = asyncio.create_task(client.run())
        await until(lambda: len(streamer.callers) > 1)
        streamer.greetings[0] = lambda caller: caller.tell(told.opportunity(5, revision(), ingest=0), told.heartbeat(6))
        await until(lambda: client.seen == 6)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert [caller.query for caller in streamer.callers[:2]] == [{}, {"last_id": "0-5"}]
