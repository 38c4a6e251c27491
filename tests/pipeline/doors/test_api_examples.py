"""The examples of docs/api.md, run as they stand there against a real API."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from api_log import api_on, morning
from conftest import ROOT, missing
from dfp.log import connection as log_connection
from door_processes import NAMES

BASE = "http://localhost:8888/api"
EXAMPLE = re.compile(r"```sh\n(curl .*?)\n```\n\n```(json|text)\n(.*?)\n```", re.DOTALL)


def shape(value: Any) -> Any:
    """Names and kinds of what is in a document; numbers are numbers, and an empty list or null says nothing."""
    if isinstance(value, dict):
        return {name: shape(inside) for name, inside in value.items() if inside not in (None, [], {})}
    if isinstance(value, list):
        return [shape(value[0])]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


async def test_every_example_of_the_page_answers_as_the_page_says(redis_url: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl", "apt-get install curl")
    redis: Redis = log_connection.connect(redis_url)
    await morning(redis, NAMES)
    examples = EXAMPLE.findall((ROOT / "docs" / "api.md").read_text())
    # Halts are listed before the example that sets one.
    examples.sort(key=lambda example: "-X POST" not in example[0] or "release" in example[0])
    async with api_on(redis_url, tmp_path) as (door, _):
        for command, kind, documented in examples:
            real = command.replace(BASE, door.api_url).replace("curl ", "curl -sS ", 1)
            run = await asyncio.to_thread(subprocess.run, ["bash", "-c", real], capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
            if kind == "text":
                assert documented.partition("{")[0] in run.stdout
                continue
            found, wanted = json.loads(run.stdout), json.loads(documented)
            if "stages" not in found:  # it has other streams and stages
                assert shape(found) == shape(wanted), command
            assert found.keys() == wanted.keys(), command
    assert len(examples) == 26
    await redis.aclose()
