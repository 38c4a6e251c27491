"""What comes together goes in one frame; filters, alerts and slow clients do not get in each other's way."""

import pytest

from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import State
from dfp.streamer.filters import make
from recorder import Pipeline
from revisions import revision

ALERT = b'{"id":"a"}'


async def test_messages_that_come_together_go_out_as_one_frame() -> None:
    pipeline = Pipeline().start()
    client = await pipeline.client()
    pipeline.hold = True
    pipeline.publish(3)
    pipeline.hub.take_alert(1, ALERT)
    pipeline.hub.heartbeat()
    pipeline.hub.flush()
    assert [message["id"] for message in client.frames[-1]] == ["0-1", "0-2", "0-3", "0-3"]
    assert [message["type"] for message in client.frames[-1]][-1] == "heartbeat"
    pipeline.hub.flush()
    assert len(client.frames) == 2


async def test_a_flood_goes_out_in_frames_of_bounded_size() -> None:
    pipeline = Pipeline(1_000).start()
    client = await pipeline.client()
    pipeline.hold = True
    pipeline.publish(300)
    pipeline.hub.flush()
    assert client.seqs() == list(range(1, 301))
    assert len(client.frames) > 3


async def test_a_client_that_comes_before_a_broadcast_gets_its_entries_once() -> None:
    pipeline = Pipeline().start(2)
    pipeline.hold = True
    pipeline.publish(2)
    new = await pipeline.client()
    resumed = await pipeline.client("0-1")
    ahead = await pipeline.client("0-3")
    pipeline.publish(2)
    pipeline.hub.flush()
    for client in (new, resumed, ahead):
        await client.settled()
    assert (new.told[0]["id"], new.seqs()) == ("0-4", [5, 6])
    assert resumed.seqs() == [2, 3, 4, 5, 6]
    assert ahead.seqs() == [4, 5, 6]


async def test_each_client_is_told_what_passes_its_filter_and_what_leaves_it() -> None:
    pipeline = Pipeline().start()
    everything = await pipeline.client("0-0")
    confident = await pipeline.client("0-0", make(min_confidence=0.8))
    again = await pipeline.client("0-0", make(min_confidence=0.8))
    for rev, confidence in enumerate([0.5, 0.9, 0.7, 0.6, 0.95], 1):
        pipeline.take(revision("one", rev, confidence=confidence))
    late = await pipeline.client("0-0", make(min_confidence=0.8))
    assert everything.seqs() == [1, 2, 3, 4, 5]
    assert confident.seqs() == again.seqs() == late.seqs() == [2, 3, 5]


async def test_resuming_from_redis_gives_the_same_as_from_memory() -> None:
    pipeline = Pipeline(history_kept=1).start()
    for rev, confidence in enumerate([0.5, 0.9, 0.7, 0.6, 0.95, 0.9, 0.1, 0.1], 1):
        pipeline.take(revision("one", rev, confidence=confidence))
    assert (await pipeline.client("0-0", make(min_confidence=0.8))).seqs() == [2, 3, 5, 6, 7]


async def test_a_filtered_client_resumes_from_a_heartbeat() -> None:
    pipeline = Pipeline().start()
    client = await pipeline.client("0-0", make(symbols=["000001.SZ"]))
    pipeline.publish(3)
    pipeline.hub.heartbeat()
    assert client.told == [{"type": "heartbeat", "id": "0-3", "payload": {}}]


async def test_a_new_filter_is_confirmed_with_a_snapshot_under_it_in_one_frame() -> None:
    pipeline = Pipeline().start()
    pipeline.take(revision("a", symbol="600000.SH"))
    pipeline.take(revision("b", symbol="000001.SZ"))
    client = await pipeline.client()
    client.sent = [make(symbols=["000001.SZ"], min_confidence=0.5)]
    client.wake()
    await client.settled()
    subscribed, snapshot = client.frames[-1]
    assert subscribed == {
        "type": "subscribed",
        "id": "0-2",
        "payload": {"symbols": ["000001.SZ"], "min_confidence": 0.5},
    }
    assert (snapshot["type"], [found["id"] for found in snapshot["payload"]]) == ("snapshot", ["b"])
    pipeline.take(revision("a", 2, symbol="600000.SH"))
    pipeline.take(revision("b", 2, symbol="000001.SZ"))
    assert client.seqs() == [4]


async def test_a_mistake_is_answered_and_changes_nothing() -> None:
    pipeline = Pipeline().start(1)
    client = await pipeline.client()
    client.sent = [ContractError("sides", "up", "Up, Down")]
    client.wake()
    await client.settled()
    pipeline.publish()
    assert client.told[1:][0] == {
        "type": "error",
        "id": "0-1",
        "payload": {"field": "sides", "value": "up", "allowed": "Up, Down"},
    }
    assert client.seqs() == [2]


async def test_alerts_go_to_those_who_asked_with_their_own_id_and_are_not_replayed() -> None:
    pipeline = Pipeline().start()
    pipeline.hub.take_alert(7, ALERT)
    plain = await pipeline.client("0-0")
    alerted = await pipeline.client("0-0", make(alerts=True))
    pipeline.hub.take_alert(8, ALERT)
    assert plain.told == []
    assert alerted.told == [{"type": "alert", "id": "0-8", "payload": {"id": "a"}}]


async def test_a_client_that_is_slow_for_a_moment_misses_no_alert_and_no_entry() -> None:
    pipeline = Pipeline().start()
    client = await pipeline.client("0-0", make(alerts=True))
    other = await pipeline.client("0-0", make(alerts=True))
    client.patience = 5
    client.wake()
    pipeline.publish(2)
    pipeline.hub.take_alert(1, ALERT)
    assert client.told == []
    await client.settled()
    pipeline.publish()
    pipeline.hub.take_alert(2, ALERT)
    assert sorted(message["id"] for message in client.told) == sorted(message["id"] for message in other.told)


@pytest.mark.parametrize("while_waiting", [True, False])
async def test_a_filter_that_is_asked_for_while_the_log_is_read_again_holds_after(while_waiting: bool) -> None:
    pipeline = Pipeline().start(2)
    client = await pipeline.client()
    pipeline.hub.reset("lost")
    if while_waiting:
        client.sent = [make(states=["Closed"])]
        client.wake()
        await client.settled()
        assert len(client.frames) == 1
    pipeline.hub.caught_up()
    await client.settled()
    assert client.types()[1:] == (["resync", "subscribed", "snapshot"] if while_waiting else ["resync", "snapshot"])
    made = revision("new", state=State.TRACKING)
    pipeline.take(made)
    assert bool(client.seqs()) is not while_waiting
