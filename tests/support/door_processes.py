"""The doors as the processes they are in production, on free ports, and a writer of revisions in front of them."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from conftest import free_port
from dfp.contracts import codec
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State
from revisions import revision

NAMES = Names("doors")


@dataclass
class DoorProcess:
    """One service; started and stopped by the test."""

    service: str
    environment: dict[str, str]
    log: Path
    http_port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"

    def start(self) -> None:
        ports = {"DFP_HTTP_PORT": str(self.http_port), "DFP_HEALTH_PORT": str(self.health_port)}
        ports |= {"DFP_HTTP_HOST": self.host, "DFP_HEALTH_HOST": self.host}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"from dfp.{self.service}.service import main; main()"],
                env={**os.environ, **self.environment, **ports},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def ready(self) -> None:
        """Wait until its probe says so."""
        async with asyncio.timeout(30):
            while (await fetch(f"http://{self.host}:{self.health_port}/health/ready"))[0] != 200:
                assert self.process is not None
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.02)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Doors:
    """API, streamer and gateway of one pipeline."""

    api: DoorProcess
    streamer: DoorProcess
    gateway: DoorProcess

    async def start(self, *services: str) -> None:
        """Start some of them and wait until they are ready."""
        started = [getattr(self, service) for service in services]
        for door in started:
            door.start()
        for door in started:
            await door.ready()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api.http_port}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.http_port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.streamer.http_port}/ws/opportunities"


@contextmanager
def doors(redis_url: str, folder: Path, **environment: str) -> Iterator[Doors]:
    """The doors, not yet started; whatever still runs at the end is killed."""
    common = {"DFP_REDIS_URL": redis_url, "DFP_STREAM_PREFIX": NAMES.prefix, **environment}
    with ExitStack() as stack:
        made = [
            DoorProcess(service, dict(common), folder / f"{service}.log") for service in ("api", "streamer", "gateway")
        ]
        for door in made:
            stack.callback(door.kill)
        api, streamer, gateway = made
        gateway.environment["DFP_API_UPSTREAMS"] = json.dumps([f"127.0.0.1:{api.http_port}"])
        gateway.environment["DFP_STREAMER_UPSTREAMS"] = json.dumps([f"127.0.0.1:{streamer.http_port}"])
        gateway.environment["DFP_STREAMER_HEALTH_PORT"] = str(streamer.health_port)
        yield Doors(api, streamer, gateway)


async def fetch(url: str) -> tuple[int, bytes]:
    """Status and body; status 0 when nobody answers."""

    def get() -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    return await asyncio.to_thread(get)


async def publish(redis: Redis, *revisions: Opportunity) -> None:
    """Append revisions to the stream, numbered by it."""
    async with redis.pipeline(transaction=False) as pipeline:
        for made in revisions:
            fields = to_fields(Kind.OPPORTUNITY, codec.encode(made), Meta(hops={"ingest": 1, "opportunity": 2}))
            pipeline.execute_command("XADD", NAMES.opportunities, "0-*", *fields)
        await pipeline.execute()


def lives(count: int) -> list[Opportunity]:
    """Interleaved lives of opportunities: each id is opened, revised and closed, `count` revisions in all."""
    made = []
    for n in range(count):
        generation, which, rev = n // 12, n % 4, n // 4 % 3 + 1
        state = State.CLOSED if rev == 3 else State.TRACKING
        made.append(revision(f"{generation}-{which}", rev, symbol=f"60000{which}.SH", state=state))
    return made


async def stream_holds(redis: Redis) -> list[tuple[str, Any]]:
    """(id, payload) of everything in the stream."""
    raw: Sequence[Any] = await redis.xrange(NAMES.opportunities)
    return [(identifier.decode(), json.loads(fields[b"p"])) for identifier, fields in raw]
