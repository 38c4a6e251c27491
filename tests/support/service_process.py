"""A service as the process that it is in production, started, killed and started again by a test."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from conftest import free_port


class ServiceProcess:
    """A process with a health port of its own, and one log file over all its lives; killed at the end of a `with`.

    Args:
        arguments: of the Python interpreter.
        settings: environment variables, beside those of this process.
    """

    def __init__(self, arguments: list[str], log: Path, **settings: str) -> None:
        self.arguments = arguments
        self.log = log
        self.settings = {"DFP_HEALTH_PORT": str(free_port()), **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or after it was killed."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments], env={**os.environ, **self.settings}, stdout=log, stderr=log
            )

    def lives(self) -> None:
        """Fail, with what it said, when it has ended by itself; called in each condition that waits for it."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.lives()
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as an operating system does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 60)

    def __enter__(self) -> "ServiceProcess":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
