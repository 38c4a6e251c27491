"""`dfp halt` and `dfp release`, as a person types them."""

import asyncio

import pytest

from conftest import free_port
from dfp.cli.main import main
from dfp.contracts.names import Names
from dfp.log.chain import Chain
from dfp.log.connection import connect

NAMES = Names("desk")


@pytest.fixture
def url(redis_url: str) -> str:
    """A server on which a pipeline with one strategy has run."""

    async def leave_traces() -> None:
        redis = connect(redis_url)
        for stage in ("aggregator", "engine/breakout"):
            await Chain(redis, NAMES, stage, "x").claim()
        await redis.aclose()

    asyncio.run(leave_traces())
    return redis_url


def run(url: str, *arguments: str) -> int:
    return main([*arguments, "--redis", url, "--prefix", "desk"])


def test_a_halt_says_what_stops_and_how_to_release(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, "halt", "pipeline", "--reason", "wrong prices") == 0
    assert "nothing is published until `dfp release pipeline --reason …`" in capsys.readouterr().out
    assert run(url, "halt", "pipeline", "--reason", "again") == 0
    assert "was halted already, by person: wrong prices" in capsys.readouterr().out
    assert run(url, "release", "pipeline", "--reason", "mended") == 0
    assert "pipeline is released" in capsys.readouterr().out


def test_releasing_what_is_not_halted_fails_and_says_what_is(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(url, "halt", "strategy/breakout", "--reason", "why")
    assert run(url, "release", "pipeline", "--reason", "mended") == 1
    assert "pipeline is not halted; halted is: strategy/breakout" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["strategy/brekout", "breakout", "symbol/600000.SH"])
def test_an_unknown_target_is_refused_with_those_that_exist(
    url: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(url, "halt", target, "--reason", "why") == 2
    assert "expected one of pipeline, strategy/breakout" in capsys.readouterr().err


def test_an_empty_reason_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, "halt", "pipeline", "--reason", " ") == 2
    assert "--reason" in capsys.readouterr().err


def test_a_prefix_without_a_pipeline_is_refused(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["halt", "pipeline", "--reason", "why", "--redis", redis_url, "--prefix", "nobody"]) == 2
    assert "--prefix: 'nobody'" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["halt", "pipeline", "--reason", "why", "--redis", f"redis://127.0.0.1:{free_port()}"]) == 2
    assert "not reachable" in capsys.readouterr().err
