"""Several processes on one port: the kernel spreads new connections over them, and each follows the log by itself."""

import asyncio
import os
import socket
import sys

import structlog

from dfp.runtime.service import Service
from dfp.runtime.tasks import end
from dfp.streamer.metrics import merge
from dfp.streamer.settings import StreamerSettings

ASK_S = 0.2
"""Between two questions to a shard whether it is ready."""

RESTART_S = 0.5
TIMEOUT_S = 2.0
LARGEST_ANSWER = 1024 * 1024

HOST = "127.0.0.1"
"""Health ports of shards are for this process alone."""

_log = structlog.get_logger(__name__)


class ShardFailed(RuntimeError):
    """A shard ended before it was ready for the first time: starting it again would not help."""


class Shard:
    """One process; it is started again whenever it ends."""

    def __init__(self, number: int, settings: StreamerSettings) -> None:
        self.number = number
        self.settings = settings
        self.ready = False
        self.served = False
        self._port = 0

    async def run(self) -> None:
        """Until cancelled; then it is told to end, and has ended.

        Raises:
            ShardFailed: see there.
        """
        while True:
            self._port = free_port()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from dfp.streamer.service import main; main()",
                env=self._environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for this process, which tells the shards
            )
            try:
                asking = asyncio.create_task(self._ask())
                try:
                    code = await process.wait()
                finally:
                    await end(asking)
                self.ready = False
                if not self.served:
                    raise ShardFailed(f"shard {self.number} ended with {code} before it was ready; see its log above")
                _log.error("a shard has ended and is started again", shard=self.number, code=code)
                await asyncio.sleep(RESTART_S)
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()

    async def metrics(self) -> bytes | None:
        """The text of its /metrics, None when it does not answer."""
        return await ask(self._port, "/metrics")

    async def _ask(self) -> None:
        while True:
            self.ready = await ask(self._port, "/health/ready") is not None
            self.served |= self.ready  # once is enough: on a busy machine it may be late with an answer
            await asyncio.sleep(ASK_S)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DFP_SHARDS": "1",
            "DFP_SHARD_OF": str(os.getpid()),
            "DFP_INSTANCE": f"{self.settings.instance}-{self.number}",
            "DFP_HEALTH_HOST": HOST,
            "DFP_HEALTH_PORT": str(self._port),
        }


async def supervise(service: Service[StreamerSettings]) -> None:
    """Run the shards until the service is told to stop; it is ready when all of them are.

    Raises:
        ShardFailed: a shard cannot start.
    """
    shards = [Shard(number, service.settings) for number in range(service.settings.shards)]

    async def metrics() -> bytes:
        texts = await asyncio.gather(*(shard.metrics() for shard in shards))
        return merge((str(shard.number), text) for shard, text in zip(shards, texts, strict=True) if text is not None)

    service.health.metrics = metrics
    running = [asyncio.create_task(shard.run()) for shard in shards]
    try:
        while not service.stop.is_set():
            ready = sum(shard.ready for shard in shards)
            service.health.become(f"{ready} of {len(shards)} shards are serving", ready=ready == len(shards))
            done, _ = await asyncio.wait(running, timeout=ASK_S)
            for task in done:
                task.result()
    finally:
        for task in running:
            task.cancel()  # once: a second time would leave the processes behind
        await asyncio.gather(*running, return_exceptions=True)


async def ask(port: int, path: str) -> bytes | None:
    """The body of an answer with status 200, None for any other and without one."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while len(answer) < LARGEST_ANSWER and (more := await reader.read(65_536)):
                    answer += more
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if head.startswith(b"HTTP/1.1 200 ") else None


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
