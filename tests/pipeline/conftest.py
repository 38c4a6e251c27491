"""Fixtures of the tests that run processes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dfp.log.connection import close, connect
from door_processes import Doors, doors
from up_process import Up


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty server."""
    client = connect(redis_url)
    yield client
    await close(client)


@pytest.fixture
def door(redis_url: str, tmp_path: Path) -> Iterator[Doors]:
    """API, streamer and gateway, not started yet; nothing of them is left behind."""
    with doors(redis_url, tmp_path) as found:
        yield found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """`dfp up`, not started yet; nothing of it is left behind."""
    folder = tmp_path / "up"
    folder.mkdir()
    up = Up(folder)
    yield up
    if up.process is not None and up.process.poll() is None:
        up.process.kill()
        up.process.wait()
