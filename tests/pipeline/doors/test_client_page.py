"""Every example of docs/client.md runs, on real doors; only the port is another."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.asyncio import Redis

from conftest import ROOT
from door_processes import Doors, publish
from revisions import revision
from waiting import until

LISTED, FOLLOWED, RESUMED, REFUSED = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL
)


@contextmanager
def running(example: str, door: Doors, folder: Path) -> Iterator[Path]:
    """The example as a program of its own; gives the file of its output."""
    output = folder / "output"
    program = example.replace("http://localhost:8888", door.gateway_url)
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-u", "-c", program], stdout=file, stderr=subprocess.STDOUT)
    try:
        yield output
    finally:
        process.kill()
        process.wait()


async def test_every_example_of_the_page_runs(door: Doors, redis: Redis, tmp_path: Path) -> None:
    await publish(redis, revision("a"), revision("b", symbol="000001.SZ"))
    await door.start("api", "streamer", "gateway")
    for example, said in (
        (LISTED, "000001.SZ Tracking 0.7\n600000.SH Tracking 0.7\n"),
        (RESUMED, "0-1 600000.SH\n0-2 000001.SZ\n"),
        (REFUSED, ": no such id is not the id of an opportunity that is still remembered\n"),
    ):
        with running(example, door, tmp_path) as output:
            await until(lambda output=output, said=said: output.read_text().endswith(said))  # type: ignore[misc]
    with running(FOLLOWED, door, tmp_path) as output:
        revisions = iter(range(2, 10_000))

        async def told() -> bool:
            await publish(redis, revision("a", next(revisions)))
            return "600000.SH Tracking\n" in output.read_text()

        await until(told)
        door.streamer.kill()
        await until(lambda: "; again in 0." in output.read_text())
