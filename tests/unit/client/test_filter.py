"""Filters of a follower: checked here, sent with the handshake or on the open socket."""

import asyncio
import json

import pytest

import told
from dfp.client import (
    AsyncClient,
    Connected,
    Lost,
    Refused,
    Snapshot,
    Subscribed,
)
from dfp.client.filter import MOST_SYMBOLS, Filter
from dfp.contracts.risk import Alert, Severity
from events import kinds, take
from revisions import revision
from small_servers import Caller, small_streamer
from waiting import until

ALERT = Alert(id="a", rule="house/volatility", severity=Severity.WARNING, target="pipeline", time=1, message="m")


async def test_another_filter_is_asked_for_on_the_open_socket_and_kept_over_a_loss() -> None:
    def greet(caller: Caller) -> None:
        caller.tell(told.snapshot(3))

    async with small_streamer(greet) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow(symbols=["600000.sh"])
        await take(follow, 2)
        await follow.subscribe(symbols=["000001.SZ", "000001.sz"], sides=["Up"], alerts=True)
        caller = streamer.callers[0]
        await until(lambda: caller.heard)
        wanted = {"symbols": ["000001.SZ"], "sides": ["Up"], "alerts": True}
        assert json.loads(caller.heard[0]) == {"type": "subscribe", **wanted}
        asked = follow._resume.asked[0]
        caller.tell(told.subscribed(5, asked), told.snapshot(5, [revision("b", symbol="000001.SZ")]))
        assert kinds(await take(follow, 2)) == [Subscribed, Snapshot]
        caller.transport.disconnect()
        assert kinds(await take(follow, 2)) == [Lost, Connected]
    queries = [caller.query for caller in streamer.callers]
    assert queries[0] == {"symbols": "600000.SH"}
    assert queries[1] == {"symbols": "000001.SZ", "sides": "Up", "alerts": "true", "last_id": "0-5"}


async def test_a_filter_that_is_asked_for_before_there_is_a_connection_goes_with_it() -> None:
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow(last_id="0-7", strategies=["a"])
        await follow.subscribe(strategies=["b"])
        await take(follow, 1)
    assert streamer.callers[0].query == {"strategies": "b"}


async def test_a_filter_that_is_asked_for_during_a_handshake_follows_it() -> None:
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        follow = client.follow()
        connecting = asyncio.create_task(take(follow, 1))
        await asyncio.sleep(0)
        assert not streamer.callers
        await follow.subscribe(strategies=["b"])
        await connecting
        await until(lambda: streamer.callers[0].heard)
        assert json.loads(streamer.callers[0].heard[0]) == {"type": "subscribe", "strategies": ["b"]}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"symbols": ["60000"]}, "symbols"),
        ({"symbols": []}, "symbols"),
        ({"symbols": "600000.SH"}, "symbols"),
        ({"sides": ["Flat"]}, "sides"),
        ({"states": ["Open"]}, "states"),
        ({"strategies": ["a,b"]}, "strategies"),
        ({"min_confidence": 1.5}, "min_confidence"),
        ({"min_confidence": float("nan")}, "min_confidence"),
        ({"last_id": "yesterday"}, "last_id"),
    ],
)
async def test_a_restriction_that_is_none_is_refused_before_anybody_is_asked(
    wanted: dict[str, object], field: str
) -> None:
    async with AsyncClient("http://127.0.0.1:1") as client:
        with pytest.raises(Refused) as refused:
            client.follow(**wanted)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert refused.value.allowed


def test_filters_are_equal_to_what_a_server_tells_of_them() -> None:
    asked = Filter(symbols=("000001.SZ", "600000.SH"), min_confidence=0.5)
    assert json.loads(asked.message()) == {
        "type": "subscribe",
        "symbols": ["000001.SZ", "600000.SH"],
        "min_confidence": 0.5,
    }


async def test_as_many_symbols_as_are_allowed_fit_into_a_handshake() -> None:
    symbols = [f"{n:06}.SZ" for n in range(MOST_SYMBOLS)]
    async with small_streamer(lambda caller: None) as streamer, AsyncClient(streamer.url) as client:
        assert kinds(await take(client.follow(symbols=symbols), 1)) == [Connected]
        with pytest.raises(Refused, match="at most 1000"):
            client.follow(symbols=[*symbols, "600000.SH"])
    assert streamer.callers[0].query["symbols"].split(",") == symbols
