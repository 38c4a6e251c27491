"""The hub's promise: each client is told every revision exactly once and in order, from wherever it starts."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.contracts.opportunity import State
from dfp.streamer.client import Gone
from dfp.streamer.filters import Traits
from dfp.streamer.history import Chunk
from recorder import Pipeline, Recorder
from revisions import entry, revision


async def test_a_new_client_gets_all_open_opportunities_and_then_each_revision() -> None:
    pipeline = Pipeline().start(2)
    pipeline.publish(identifier="id-1", rev=2, state=State.CLOSED)
    client = await pipeline.client()
    pipeline.publish(2)
    first, *rest = client.told
    assert (first["type"], first["id"]) == ("snapshot", "0-3")
    assert [found["id"] for found in first["payload"]] == ["id-2"]
    assert "reason" not in first
    assert [message["id"] for message in rest] == ["0-4", "0-5"]


async def test_a_pushed_revision_carries_its_hops_and_the_push() -> None:
    pipeline = Pipeline().start()
    client = await pipeline.client()
    pipeline.publish()
    assert client.told[-1]["hops"] == {"opportunity": 1, "push": 42}


async def test_an_empty_log_gives_an_empty_snapshot() -> None:
    client = await Pipeline().start().client()
    assert client.told == [{"type": "snapshot", "id": "0-0", "payload": []}]


@pytest.mark.parametrize("last_id", range(7))
@pytest.mark.parametrize("history_kept", [1, 2, 100])
async def test_a_client_resumes_right_after_what_it_knows_without_a_snapshot(last_id: int, history_kept: int) -> None:
    pipeline = Pipeline(history_kept).start(6)
    client = await pipeline.client(f"0-{last_id}")
    pipeline.publish()
    assert client.seqs() == list(range(last_id + 1, 8))
    assert set(client.types()) == {"opportunity"}


@pytest.mark.parametrize(
    ("last_id", "reason"),
    [("0-99", "the log ends at 0-3"), ("1654047000-0", "entry id"), ("", "entry id"), ("0-9" + "9" * 40, "unknown")],
)
async def test_an_id_that_the_log_does_not_know_gets_a_snapshot_and_the_reason(last_id: str, reason: str) -> None:
    client = await Pipeline().start(3).client(last_id)
    (snapshot,) = client.told
    assert (snapshot["type"], snapshot["id"], len(snapshot["payload"])) == ("snapshot", "0-3", 3)
    assert reason in snapshot["reason"]


async def test_a_client_whose_next_entries_were_trimmed_gets_a_snapshot_and_the_reason() -> None:
    pipeline = Pipeline(history_kept=1).start(6)
    for seq in (1, 2, 3):
        del pipeline.log.entries[seq]
    for last_id in ("0-0", "0-2"):
        client = await pipeline.client(last_id)
        (snapshot,) = client.told
        assert "no longer kept" in snapshot["reason"]
    client = await pipeline.client("0-3")
    assert client.seqs() == [4, 5, 6]


async def test_a_client_that_comes_from_a_streamer_further_ahead_waits_for_this_one() -> None:
    pipeline = Pipeline().start(3)
    pipeline.log.entries[4] = pipeline.log.entries[5] = revision("ahead")
    client = await pipeline.client("0-4")
    pipeline.hub.heartbeat()
    assert client.told == []
    for seq in (4, 5):
        pipeline.hub.take(entry(seq, revision("ahead")), revision("ahead"))
        await client.settled()
    assert client.seqs() == [5]


async def test_entries_that_were_passed_over_do_not_hold_a_client_up() -> None:
    pipeline = Pipeline(history_kept=1).start(6)

    async def after(seq: int, _: int, known: dict[str, Traits]) -> Chunk:
        await asyncio.sleep(0)
        return Chunk(seq + 2, [])

    pipeline.log.after = after  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        client = await pipeline.client("0-0")
    pipeline.publish()
    assert client.seqs()[-1] == 7


async def test_heartbeats_carry_the_last_id() -> None:
    pipeline = Pipeline().start(3)
    client = await pipeline.client("0-3")
    pipeline.hub.heartbeat()
    assert client.told == [{"type": "heartbeat", "id": "0-3", "payload": {}}]


async def test_a_client_that_left_is_told_nothing_more() -> None:
    pipeline = Pipeline().start()
    client = await pipeline.client()
    pipeline.hub.leave(client)
    pipeline.publish()
    assert client.types() == ["snapshot"]


async def test_a_client_that_goes_while_it_catches_up_never_joins() -> None:
    pipeline = Pipeline().start(3)
    client = Recorder()
    client.gone = True
    with pytest.raises(Gone):
        await pipeline.hub.admit(client, None)
    pipeline.publish()
    assert client.types() == ["snapshot"]


async def test_when_the_log_was_replaced_clients_get_a_resync_and_a_new_snapshot() -> None:
    pipeline = Pipeline().start(3)
    client = await pipeline.client()
    pipeline.hub.reset("the log has lost entries")
    assert not pipeline.hub.ready
    made = revision("new")
    pipeline.hub.take(entry(1, made), made)
    pipeline.hub.caught_up()
    assert pipeline.hub.ready
    await client.settled()
    pipeline.hub.take(entry(2, made), made)
    _, resync, snapshot, update = client.told
    assert (resync["type"], resync["id"], resync["payload"]) == (
        "resync",
        "0-1",
        {"reason": "the log has lost entries"},
    )
    assert (snapshot["type"], snapshot["id"], [found["id"] for found in snapshot["payload"]]) == (
        "snapshot",
        "0-1",
        ["new"],
    )
    assert (update["type"], update["id"]) == ("opportunity", "0-2")


@pytest.mark.parametrize("caught_up_meanwhile", [True, False])
async def test_a_client_that_catches_up_while_the_log_is_replaced_is_told_the_truth(caught_up_meanwhile: bool) -> None:
    pipeline = Pipeline(history_kept=1).start(6)

    def replace() -> None:
        pipeline.log.during_read = lambda: None
        pipeline.hub.reset("replaced")
        if caught_up_meanwhile:
            pipeline.hub.caught_up()

    pipeline.log.during_read = replace
    client = await pipeline.client("0-0")
    if not caught_up_meanwhile:
        assert client.told == []
        pipeline.hub.caught_up()
        await client.settled()
    assert client.types() == ["resync", "snapshot"]
    assert client.told[-1]["payload"] == []


@settings(deadline=None)
@given(
    kept=st.integers(1, 6),
    published=st.lists(st.integers(0, 4), max_size=30),
    arrivals=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40), st.integers(0, 3)), max_size=6),
)
def test_however_clients_arrive_between_publications_none_misses_or_repeats_an_entry(
    kept: int, published: list[int], arrivals: list[tuple[int, int, int]]
) -> None:
    async def scenario() -> None:
        pipeline = Pipeline(kept).start(3)
        admissions: list[tuple[Recorder, int, asyncio.Task[None]]] = []
        for step, count in enumerate([*published, 0]):
            for when, last, patience in arrivals:
                if min(when, len(published)) == step:
                    client = Recorder(pipeline.hub, patience=patience)
                    known = min(last, max(pipeline.log.entries))
                    task = asyncio.create_task(pipeline.hub.admit(client, f"0-{known}"))
                    admissions.append((client, known, task))
            pipeline.publish(count)
            await asyncio.sleep(0)
        await asyncio.gather(*(task for _, _, task in admissions))
        for client, _, _ in admissions:
            await client.settled()
        pipeline.publish()
        newest = max(pipeline.log.entries)
        for client, known, _ in admissions:
            assert client.seqs() == list(range(known + 1, newest + 1))

    asyncio.run(scenario())
