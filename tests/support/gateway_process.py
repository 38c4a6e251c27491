"""The gateway as the process it is in production, in front of upstreams that a test chooses."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from conftest import free_port
from door_processes import DoorProcess


@contextmanager
def gateway(
    folder: Path, apis: Sequence[int], streamers: Sequence[str] = (), **environment: str
) -> Iterator[DoorProcess]:
    """A gateway, not yet started.

    Args:
        apis: ports of the instances of the signal-api on 127.0.0.1.
        streamers: host:port of those of the signal-streamer.
    """
    own = {
        "DFP_API_UPSTREAMS": json.dumps([f"127.0.0.1:{port}" for port in apis]),
        "DFP_STREAMER_UPSTREAMS": json.dumps(list(streamers) or [f"127.0.0.1:{free_port()}"]),
    }
    process = DoorProcess("gateway", {**own, **environment}, folder / "gateway.log")
    try:
        yield process
    finally:
        process.kill()


def client(door: DoorProcess, **options: Any) -> httpx.AsyncClient:
    """A client of its own, without what the environment says about proxies."""
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.http_port}", trust_env=False, timeout=20, **options)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an error answer, which must be one and name the answer's own status."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    assert found["detail"]
    return found
