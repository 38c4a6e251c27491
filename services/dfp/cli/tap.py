"""`dfp tap STREAM`: any stream, decoded."""

import enum
from typing import Annotated

import typer

from dfp.cli.pipeline import PrefixOption, RedisOption, locate


class Start(enum.StrEnum):
    """Where to begin."""

    START = "start"
    NEW = "new"


def tap(
    stream: Annotated[str, typer.Argument(help="Stream, with or without the prefix: features, dfp:features.")],
    redis: RedisOption = None,
    prefix: PrefixOption = None,
    begin: Annotated[Start, typer.Option("--from", help="The oldest entry kept, or the next new one.")] = Start.NEW,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many entries.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=0, help="Rows shown of a frame. [default: 3; with --json all]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print a stream, decoded, one line an entry, until --count or Ctrl-C.

    \b
    Examples:
      dfp tap opportunities --from start --count 10
      dfp tap features --rows 5
      dfp tap strategy_signals --json | jq .payload.reason
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    import asyncio

    from dfp.cli.stream import follow
    from dfp.contracts.names import Names

    url, used = locate(redis, prefix)
    oldest = begin is Start.START
    asyncio.run(follow(url, Names(used), stream, oldest=oldest, count=count, rows=rows, as_json=as_json))
