"""Processes of a benchmark, which end with it, and waiting for them."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import redis as redis_client

from dfp.local.ports import HEALTH, Ports

PORTS = Ports()
"""Promises a port to one process only, as long as it lives itself."""

START_S = 60.0
END_S = 30.0


@contextlib.contextmanager
def process(
    *command: str, stdin: int | None = None, stdout: int | None = None, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ended with the block. Without `stdout`, what it prints is shown only if it ends by an error."""
    with contextlib.ExitStack() as stack:
        output: IO[Any] | int = stack.enter_context(tempfile.TemporaryFile()) if stdout is None else stdout
        started = subprocess.Popen(command, env={**os.environ, **environment}, stdin=stdin, stdout=output)
        try:
            yield started
        finally:
            early = started.poll()
            started.terminate()
            started.communicate(timeout=END_S)
            if early and stdout is None:
                assert not isinstance(output, int)
                output.seek(0)
                raise SystemExit(f"bench: {command} has ended:\n{output.read().decode(errors='replace')[-2_000:]}")


@dataclass(frozen=True)
class Service:
    """A service under measurement.

    Attributes:
        port: of its door.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    health: int


@contextlib.contextmanager
def service(name: str, redis_url: str, prefix: str, **settings: str) -> Iterator[Service]:
    """A door (`api` or `streamer`) on a free port, from the moment it is ready.

    Args:
        settings: further `DFP_*` variables.
    """
    port, health = PORTS.take_free(2, HEALTH)
    environment = {
        "DFP_REDIS_URL": redis_url,
        "DFP_STREAM_PREFIX": prefix,
        "DFP_HTTP_PORT": str(port),
        "DFP_HEALTH_PORT": str(health),
    }
    code = f"from dfp.{name}.service import main; main()"
    with process(sys.executable, "-c", code, **environment, **settings) as started:
        until(lambda: _ready(health))
        yield Service(started, port, health)


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; a connection that is refused says that it does not."""
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError, redis_client.exceptions.ConnectionError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise SystemExit("bench: a process of the benchmark does not get ready")
        time.sleep(0.05)


def line(stream: IO[bytes] | None) -> bytes:
    """The next line that a process prints."""
    assert stream is not None
    found = stream.readline()
    if not found:
        raise SystemExit("bench: a process of the benchmark has ended")
    return found


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False
