"""The embedded server, supervised."""

import os
import signal
from pathlib import Path

from conftest import free_port
from dfp.local import valkey
from dfp.local.probe import Readiness, redis_probe
from dfp.local.supervisor import Supervisor
from dfp.log.connection import close, connect
from waiting import until


async def test_a_killed_server_comes_back_with_its_data_on_its_port(tmp_path: Path) -> None:
    port = free_port()
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start([valkey.program(port, tmp_path, tmp_path / "valkey.log")])
    redis = connect(valkey.url(port))
    try:
        await supervisor.until_ready([valkey.NAME])
        await redis.set("kept", "yes")
        pid = supervisor.children[valkey.NAME].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: supervisor.children[valkey.NAME].pid not in (None, pid))
        await supervisor.until_ready([valkey.NAME])
        await close(redis)
        redis = connect(valkey.url(port))
        assert await redis.get("kept") == b"yes"
        assert supervisor.children[valkey.NAME].restarts == 1
    finally:
        await close(redis)
        await supervisor.stop([valkey.NAME])
    assert (await redis_probe(valkey.url(port))()) == Readiness(ready=False, words="starting")
