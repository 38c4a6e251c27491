"""Follows one stream for a person who watches it."""

import asyncio
import signal
from typing import Any

import msgspec
import typer
from redis.asyncio import Redis

from dfp.cli.decoded import document, lines
from dfp.contracts.entry import Entry, sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.names import Names
from dfp.local.mistake import UserMistake
from dfp.local.owner import check_reachable
from dfp.log.connection import UNREACHABLE, close, connect
from dfp.log.extent import last_seq
from dfp.log.reader import Hole, Reader

ROWS = 3
"""Rows of a frame that fit on a screen beside the next frames."""


def full_name(stream: str, prefix: str) -> str:
    """The stream's name with the pipeline's prefix."""
    return stream if stream.startswith(f"{prefix}:") else f"{prefix}:{stream}"


async def follow(
    url: str, names: Names, stream: str, *, oldest: bool, count: int | None, rows: int | None, as_json: bool
) -> None:
    """Print entries until `count` of them, SIGINT or SIGTERM.

    Args:
        oldest: begin with the oldest entry that is kept, else with the next new one.
        rows: of a frame; None = `ROWS`, or all as JSON.

    Raises:
        UserMistake: no server, or no such stream; lists those that exist.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    redis = connect(url)
    try:
        await check_reachable(redis, url)
        name = await _existing(redis, names, stream)
        after = await last_seq(redis, name) if not oldest else await _before_oldest(redis, name)
        reader = Reader(redis, {name: after})
        printed = 0
        while not stop.is_set() and (count is None or printed < count):
            for entry in await _read(reader, name):
                _print(entry, rows, as_json)
                printed += 1
                if printed == count:
                    break
    except BrokenPipeError:  # `dfp tap … | head` has seen enough; an OSError, but not the server's
        raise
    except UNREACHABLE as error:
        raise UserMistake(f"the server went away: {error}") from None
    finally:
        await close(redis)


async def _existing(redis: Redis, names: Names, stream: str) -> str:
    name = full_name(stream, names.prefix)
    if await redis.type(name) == b"stream":
        return name
    there = sorted([key.decode() async for key in redis.scan_iter(f"{names.prefix}:*", _type="stream")])
    listed = ", ".join(there) or f"none yet under the prefix {names.prefix!r}"
    raise UserMistake(f"no stream {name!r}; streams there: {listed}")


async def _before_oldest(redis: Redis, name: str) -> int:
    first: Any = (await redis.xinfo_stream(name))["first-entry"]
    return sequence(first[0]) - 1 if first else await last_seq(redis, name)


async def _read(reader: Reader, name: str) -> list[Entry]:
    try:
        return (await reader.read(block_ms=200)).get(name, [])
    except Hole as hole:  # trimmed while we looked; people want to see what is there
        typer.echo(f"({hole})", err=True)
        reader.cursor[name] = hole.found - 1
        return []


def _print(entry: Entry, rows: int | None, as_json: bool) -> None:
    try:
        if as_json:
            text = msgspec.json.encode(document(entry, rows)).decode()
        else:
            text = "\n".join(lines(entry, ROWS if rows is None else rows))
    except ContractError as error:  # a foreign entry; those behind it are still of interest
        broken = {"seq": entry.seq, "kind": entry.kind, "error": str(error)}
        text = msgspec.json.encode(broken).decode() if as_json else f"{entry.seq:>8}  {entry.kind.value:<11}  {error}"
    typer.echo(text)
