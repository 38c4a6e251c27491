"""What `dfp health` says of a door."""

import pytest

import told
from conftest import free_port
from dfp.local import door
from revisions import revision
from small_servers import small_api, small_streamer


def port(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_rest_is_well_when_it_answers_and_has_read_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TIMEOUT_S", 0.5)
    async with small_api() as api:
        api.answer({"name": "dongfengpo", "version": "1", "feed": "replay"})
        api.answer({"opportunities": [], "next": None})
        assert await door.rest_answers("127.0.0.1", port(api.url)) == (True, "dongfengpo 1, feed replay")
    async with small_api() as api:
        api.answer({"name": "dongfengpo", "version": "1", "feed": None})
        api.answer({"status": 503, "title": "Service Unavailable", "detail": "the log is still being read"}, 503)
        assert await door.rest_answers("127.0.0.1", port(api.url)) == (False, "the log is still being read")


async def test_a_door_that_is_not_there_is_unwell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TIMEOUT_S", 0.5)
    nowhere = free_port()
    good, words = await door.rest_answers("127.0.0.1", nowhere)
    assert (good, "is the gateway there? (--port)" in words) == (False, True)
    good, words = await door.socket_answers("127.0.0.1", nowhere)
    assert (good, words.startswith(f"no snapshot on http://127.0.0.1:{nowhere}: ")) == (False, True)


async def test_the_websocket_is_well_when_a_snapshot_comes() -> None:
    async with small_streamer(lambda caller: caller.tell(told.snapshot(7, [revision()]))) as streamer:
        good, words = await door.socket_answers("127.0.0.1", port(streamer.url))
    assert (good, words) == (True, "a snapshot of 1 opportunities, as of 0-7")
