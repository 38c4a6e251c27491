"""`dfp halt` and `dfp release` through a gateway: the same words as on the server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from conftest import free_port
from dfp.cli.main import main
from small_servers import SmallApi, small_api

HALT = {"target": "pipeline", "cause": "person", "since": 7, "reason": "wrong prices"}
NOT_HALTED = {"status": 404, "title": "Not Found", "detail": "pipeline is not halted"}
UNKNOWN = {
    "status": 422,
    "title": "Unprocessable Content",
    "detail": "target: 'breakout' is not allowed, expected one of pipeline, strategy/breakout",
    "errors": [{"field": "target", "value": "breakout", "allowed": "one of pipeline, strategy/breakout"}],
}


@pytest.fixture
async def api() -> AsyncIterator[SmallApi]:
    async with small_api() as found:
        yield found


async def run(api: SmallApi, *arguments: str) -> int:
    return await asyncio.to_thread(main, [*arguments, "--url", api.url])


async def test_a_halt_says_what_stops_and_how_to_release(api: SmallApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer(HALT, 201)
    api.answer(HALT, 200)
    assert await run(api, "halt", "pipeline", "--reason", "wrong prices") == 0
    assert "nothing is published until `dfp release pipeline --reason …`" in capsys.readouterr().out
    assert await run(api, "halt", "pipeline", "--reason", "again") == 0
    assert "was halted already, by person: wrong prices" in capsys.readouterr().out
    assert api.asked[0].body == {"target": "pipeline", "reason": "wrong prices"}


async def test_a_release_that_finds_no_halt_says_what_is_halted(
    api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer({"target": "pipeline", "released": True})
    api.answer(NOT_HALTED, 404)
    api.answer({"halts": [{**HALT, "target": "strategy/breakout"}]})
    assert await run(api, "release", "pipeline", "--reason", "mended") == 0
    assert "pipeline is released" in capsys.readouterr().out
    assert await run(api, "release", "pipeline", "--reason", "mended") == 1
    assert "pipeline is not halted; halted is: strategy/breakout" in capsys.readouterr().err


async def test_an_unknown_target_is_refused_with_those_that_exist(
    api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(UNKNOWN, 422)
    assert await run(api, "halt", "breakout", "--reason", "why") == 2
    assert "TARGET: 'breakout' is not allowed; expected one of pipeline" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["localhost", "http://127.0.0.1:{port}"])
def test_a_gateway_that_is_none_is_a_message(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = url.format(port=free_port())
    assert main(["halt", "pipeline", "--reason", "why", "--url", url]) == 2
    assert url in capsys.readouterr().err


def test_a_gateway_and_a_server_are_not_given_together(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--url", "http://127.0.0.1:1", "--redis", "redis://127.0.0.1:1"]
    assert main(["halt", "pipeline", "--reason", "why", *arguments]) == 2
    assert "no --redis or --prefix beside it" in capsys.readouterr().err


def test_watching_what_is_no_gateway_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--url", "ftp://here"]) == 2
    assert "--url: 'ftp://here' is not allowed; expected http://" in capsys.readouterr().err
