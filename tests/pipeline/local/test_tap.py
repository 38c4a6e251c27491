"""`dfp tap` on a real server."""

import json
import signal as signal_module
import subprocess
import sys
import time

import pytest
from redis import Redis

from dfp.cli.main import main
from dfp.contracts.codec import encode
from dfp.contracts.entry import Kind, Meta, to_fields
from documents import signal

STREAM = "dfp:strategy_signals"


def put(redis_url: str, *payloads: bytes, stream: str = STREAM) -> None:
    with Redis.from_url(redis_url) as redis:
        for payload in payloads:
            flat = to_fields(Kind.SIGNAL, payload, Meta({"signal": 7}))
            redis.xadd(stream, dict(zip(flat[::2], flat[1::2], strict=True)), "0-*")


@pytest.mark.parametrize("name", ["strategy_signals", STREAM])
def test_a_stream_is_printed_from_its_start_with_or_without_its_prefix(
    name: str, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(redis_url, encode(signal(n=1)), encode(signal(n=2)), encode(signal(n=3)))
    assert main(["tap", name, "--redis", redis_url, "--from", "start", "--count", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["1", "signal", "id=breakout-1"],
        ["2", "signal", "id=breakout-2"],
    ]


def test_what_was_trimmed_is_passed_over(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(redis_url, *(encode(signal(n=n)) for n in (1, 2, 3)))
    with Redis.from_url(redis_url) as redis:
        redis.xtrim(STREAM, minid="0-3", approximate=False)
    assert main(["tap", "strategy_signals", "--redis", redis_url, "--from", "start", "--count", "1"]) == 0
    assert capsys.readouterr().out.split()[0] == "3"


def test_json_is_one_object_a_line(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(redis_url, encode(signal(n=1)), b"{")
    assert main(["tap", "strategy_signals", "--redis", redis_url, "--from", "start", "--count", "2", "--json"]) == 0
    good, broken = map(json.loads, capsys.readouterr().out.splitlines())
    assert good["payload"]["id"] == "breakout-1"
    assert good["hops"] == {"signal": 7}
    assert broken["seq"] == 2
    assert "is not allowed" in broken["error"]


def test_a_stream_that_does_not_exist_is_refused_with_those_that_do(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tap", "signals", "--redis", redis_url]) == 2
    assert "no stream 'dfp:signals'; streams there: none yet under the prefix 'dfp'" in capsys.readouterr().err
    put(redis_url, encode(signal()))
    put(redis_url, encode(signal()), stream="other:strategy_signals")
    assert main(["tap", "signals", "--redis", redis_url]) == 2
    assert capsys.readouterr().err.rstrip().endswith("streams there: dfp:strategy_signals")
    assert (
        main(["tap", "strategy_signals", "--redis", redis_url, "--prefix", "other", "--from", "start", "--count", "1"])
        == 0
    )


def test_an_entry_of_somebody_else_is_a_message(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.xadd("dfp:foreign", {"a": "b"})
    assert main(["tap", "foreign", "--redis", redis_url, "--from", "start"]) == 2
    assert "dfp: entry id" in capsys.readouterr().err


def test_the_environment_names_the_server_too(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DFP_REDIS_URL", redis_url)
    put(redis_url, encode(signal()))
    assert main(["tap", "strategy_signals", "--from", "start", "--count", "1"]) == 0
    assert "breakout-1" in capsys.readouterr().out


def test_new_entries_are_printed_as_they_come_until_ctrl_c(redis_url: str) -> None:
    put(redis_url, encode(signal(n=1)))
    command = [sys.executable, "-u", "-m", "dfp.cli", "tap", "strategy_signals", "--redis", redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with Redis.from_url(redis_url) as redis:
            while not any(b"xread" in str(client["cmd"]).encode() for client in redis.client_list()):
                assert process.poll() is None
                time.sleep(0.01)
        put(redis_url, encode(signal(n=2)))
        assert process.stdout.readline().split()[:3] == ["2", "signal", "id=breakout-2"]
        process.send_signal(signal_module.SIGINT)
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(redis_url: str) -> None:
    put(redis_url, *(encode(signal(n=n)) for n in range(200)))
    command = [sys.executable, "-u", "-m", "dfp.cli", "tap", "strategy_signals", "--redis", redis_url]
    command += ["--from", "start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
