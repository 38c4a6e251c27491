"""The chain as people run it, on real data: the same signals whatever happens on the way, and nobody misses a revision.

The yardstick is `offline_chain`: the pure cores over the same file, without a server and without processes.
"""

import asyncio
import contextlib
import json
import random
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import WebSocketException

from conftest import ROOT, Server
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Kind
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State
from dfp.log.connection import connect
from offline_chain import signal_digests
from up_process import Up
from violations import entries

SZ5 = "ashare_sz5_snapshot_20220601.parquet"
SH30 = "ashare_sh30_snapshot_20211201.parquet"
KWEICHOW = "ashare_600519_snapshot_20230201.parquet"
IF2101 = "cffex_if2101_ticks_20210104_06.parquet"
EXAMPLES = ROOT / "examples"
KILL_EVERY_S = 2.0
KILLS = 20
TIMEOUT_S = 240
"""Below the time-out of a test, which would end the test process and hide what the pipeline said."""


def replay(up: Up, data: Path, *options: str) -> dict[str, Any]:
    """Replay a file to its end; its report."""
    report = up.folder / "report.json"
    up.start("-f", str(EXAMPLES), "--source", "replay", "--data", str(data), "--report", str(report), *options)
    assert up.end(TIMEOUT_S) == 0, up.output
    found: dict[str, Any] = json.loads(report.read_bytes())
    return found


@pytest.mark.parametrize(
    ("file", "accepted", "rejected"),
    [
        (SZ5, 20_980, {}),
        (SH30, 32_972, {}),
        (KWEICHOW, 5_108, {"exact-duplicate": 1}),
        (IF2101, 84_347, {}),
    ],
)
def test_every_row_of_a_real_session_is_accounted_for_and_the_signals_are_those_of_the_pure_cores(
    up: Up, marketdata: Path, file: str, accepted: int, rejected: dict[str, int]
) -> None:
    report = replay(up, marketdata / file)
    assert report["rows"]["accepted"] == accepted
    assert report["rows"]["rejected"] == rejected
    assert report["dead_letters"] == {}
    assert report["signal_sha256"] == signal_digests(marketdata / file, EXAMPLES)
    if file in (SZ5, SH30):
        assert all(number > 0 for number in report["signals"].values())
        assert sum(report["signals"].values()) >= 50


@pytest.mark.parametrize("frame_rows", ["1", "random:11"])
def test_how_ticks_are_framed_changes_no_signal(up: Up, marketdata: Path, frame_rows: str) -> None:
    report = replay(up, marketdata / SZ5, "--frame-rows", frame_rows)
    assert report["signal_sha256"] == signal_digests(marketdata / SZ5, EXAMPLES)


async def test_services_killed_every_two_seconds_lose_and_double_nothing_for_a_client_that_reconnects(
    up: Up, own_server: Server, marketdata: Path
) -> None:
    report_file = up.folder / "report.json"
    arguments = ["-f", str(EXAMPLES), "--source", "replay", "--data", str(marketdata / SZ5), "--speed", "400"]
    up.start(*arguments, "--redis", own_server.url, "--report", str(report_file))
    await asyncio.to_thread(up.until_open)
    client = Client(up.ports["--ws-port"])
    following = asyncio.create_task(client.follow())
    killed = await kill_at_random(up, seed=5)
    assert await asyncio.to_thread(up.end, TIMEOUT_S) == 0, up.output

    redis = connect(own_server.url)
    published = await entries(redis, Names().opportunities)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await redis.aclose()

    report = json.loads(report_file.read_bytes())
    assert len(killed) >= KILLS
    assert sum(report["restarts"].values()) >= KILLS
    assert report["rows"]["accepted"] == 20_980
    assert report["signal_sha256"] == signal_digests(marketdata / SZ5, EXAMPLES)
    assert client.connections >= 4, "it reconnected at least three times"
    assert client.received == [(entry.seq, json.loads(entry.payload)) for entry in published]
    assert len(published) >= 100
    revisions = [(payload["id"], payload["rev"]) for _, payload in client.received]
    assert len(set(revisions)) == len(revisions)
    no_revision_is_skipped(revisions)
    nothing_is_published_after_its_expiry([codec.decode(entry.payload, Opportunity) for entry in published])


async def kill_at_random(up: Up, seed: int) -> list[str]:
    """`kill -9` a random service every two seconds, until the run ends or enough were killed."""
    chance, killed = random.Random(seed), []
    assert up.process is not None
    while up.process.poll() is None and len(killed) < KILLS + 2:
        began = time.monotonic()
        with contextlib.suppress(psutil.NoSuchProcess):
            running = up.children()
            name = chance.choice(sorted(running))
            running[name].kill()
            killed.append(name)
        await asyncio.sleep(max(0.0, KILL_EVERY_S - (time.monotonic() - began)))
    return killed


class Client:
    """A WebSocket client of the streamer that resumes by its last id; now and then it hangs up by itself."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/ws/opportunities"
        self.last_id = "0-0"
        self.received: list[tuple[int, Any]] = []
        self.connections = 0

    @property
    def last_seq(self) -> int:
        return int(self.last_id.partition("-")[2])

    async def follow(self) -> None:
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                async with open_socket(f"{self.url}?last_id={self.last_id}") as socket:
                    self.connections += 1
                    async for frame in socket:
                        if self.take(str(frame)) and self.connections < 5:
                            break
            await asyncio.sleep(0.05)

    def take(self, frame: str) -> bool:
        """Take the messages of a frame; whether it is time to hang up."""
        before = len(self.received) // 20
        for message in map(json.loads, frame.split("\n")):
            if message["type"] == "opportunity":
                self.last_id = message["id"]
                self.received.append((self.last_seq, message["payload"]))
            assert message["type"] != "snapshot", message
        return len(self.received) // 20 > before


def no_revision_is_skipped(revisions: list[tuple[str, int]]) -> None:
    latest: dict[str, int] = {}
    for identifier, revision in revisions:
        assert revision == latest.get(identifier, 0) + 1
        latest[identifier] = revision


def nothing_is_published_after_its_expiry(published: list[Opportunity]) -> None:
    """I8: a revision that is not a close has time left at its own as-of, and none follows the expiry of its id."""
    assert all(one.as_of < one.expires for one in published if one.state is not State.CLOSED)


async def test_the_clock_and_the_ticks_of_the_log_do_not_depend_on_framing(
    up: Up, own_server: Server, marketdata: Path
) -> None:
    replay(up, marketdata / SZ5, "--redis", own_server.url, "--frame-rows", "random:3")
    redis = connect(own_server.url)
    log = await entries(redis, Names().clean_ticks)
    clocks = [codec.decode(entry.payload, Clock) for entry in log if entry.kind is Kind.CLOCK]
    await redis.aclose()
    times = [clock.time for clock in clocks]
    assert times == sorted(times)
    assert clocks[-1].end
