"""Who may connect is asked in the handshake."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from conftest import ROOT
from door_processes import Doors, doors
from socket_messages import next_message

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)


@pytest.fixture
def door(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'tests' / 'support'}:{os.environ.get('PYTHONPATH', '')}")
    with doors(redis_url, tmp_path) as found:
        yield found


async def refusal(url: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, additional_headers=headers)
    return refused.value.response.status_code, refused.value.response.body.decode()


async def test_only_those_whom_the_hook_admits_connect(door: Doors) -> None:
    door.streamer.environment["DFP_AUTHORIZE"] = "gatekeeper:with_token"
    await door.start("streamer")
    good = {"Authorization": "Bearer good"}
    async with connect(door.socket_url, additional_headers=good) as client:
        assert (await next_message(client))["type"] == "snapshot"
    assert await refusal(door.socket_url) == (401, "a token is needed\n")
    assert await refusal(f"{door.socket_url}?symbols=000001.SZ", **good) == (401, "this symbol is not yours\n")


async def test_a_hook_that_fails_admits_nobody_and_tells_nothing(door: Doors) -> None:
    door.streamer.environment["DFP_AUTHORIZE"] = "gatekeeper:broken"
    await door.start("streamer")
    status, text = await refusal(door.socket_url)
    assert (status, "secret" in text) == (500, False)
