"""`dfp health`: one look, one exit code."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from dfp.cli.pipeline import PrefixOption, RedisOption, on_server

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from dfp.contracts.names import Names
    from dfp.local.health import Check

DEGRADED = 1
AGAIN_S = 1.0


def health(
    redis: RedisOption = None,
    prefix: PrefixOption = None,
    host: Annotated[str, typer.Option(help="Host of the gateway.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the gateway.", min=1, max=65535)] = 8888,
    wait: Annotated[str | None, typer.Option(help="Look again until all is well, at most so long: 30s, 2m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look once at a running pipeline. Exit code 0: well, 1: degraded, 2: not there, or a mistake of yours.

    \b
    Examples:
      dfp health
      dfp health --wait 60s && echo ready
      dfp health --redis redis://10.0.0.5:6379 --host 10.0.0.5 --json | jq .checks
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    import msgspec

    from dfp.local.health import State
    from dfp.local.options import duration

    limit_s = duration(wait) or 0.0

    async def look(server: "Redis", names: "Names") -> "list[Check]":
        from dfp.local.health import examine

        deadline = time.monotonic() + limit_s
        while True:
            found = await examine(server, names, host, port)
            if all(one.state is State.OK for one in found) or time.monotonic() >= deadline:
                return found
            unwell = ", ".join(one.name for one in found if one.state is not State.OK)
            typer.echo(f"dfp: waiting for {unwell}", err=True)
            await asyncio.sleep(AGAIN_S)

    checks = on_server(redis, prefix, look)
    well = all(one.state is State.OK for one in checks)
    if as_json:
        typer.echo(msgspec.json.encode({"healthy": well, "checks": checks}).decode())
    else:
        width = max(len(one.name) for one in checks)
        for one in checks:
            typer.echo(f"  {one.state:<9} {one.name:<{width}}  {one.words}")
        typer.echo(f"dfp: {'healthy' if well else 'degraded'}")
    raise typer.Exit(0 if well else DEGRADED)
