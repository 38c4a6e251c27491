"""The API against its own description: schemathesis makes requests of /openapi.json and checks every answer by it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api_log import morning
from conftest import Server, server_binary
from dfp.log.connection import connect
from door_processes import NAMES, doors

OPTIONS = ("--checks", "all", "--max-examples", "30", "--seed", "1", "--continue-on-failure", "--no-color")


@pytest.mark.timeout(600)
async def test_the_api_keeps_its_own_description(tmp_path: Path) -> None:
    server = Server(server_binary("valkey"), tmp_path)
    server.start()
    redis: Redis = connect(server.url)
    try:
        await morning(redis, NAMES)
        with doors(server.url, tmp_path) as door:
            await door.start("api")
            config = Path(__file__).parent / "schemathesis.toml"
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
            run = await asyncio.to_thread(
                subprocess.run,
                [*command, f"{door.api_url}/openapi.json", *OPTIONS],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
            )
            assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-1_000:]
            assert "Operations:       25 selected / 25 total" in run.stdout
    finally:
        await redis.aclose()
        server.kill()
