"""`dfp tap STREAM`: any stream, decoded."""

import enum
import os
from typing import Annotated

import typer

from dfp.local.mistake import UserMistake


class Start(enum.StrEnum):
    """Where to begin."""

    START = "start"
    NEW = "new"


def tap(
    stream: Annotated[str, typer.Argument(help="Stream, with or without the prefix: features, dfp:features.")],
    redis: Annotated[
        str | None, typer.Option(help="redis://, rediss:// or unix://; the `dfp up` that runs here unless given.")
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Stream prefix of the pipeline. [default: dfp]")] = None,
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

    url, used = pipeline(redis, prefix)
    oldest = begin is Start.START
    asyncio.run(follow(url, Names(used), stream, oldest=oldest, count=count, rows=rows, as_json=as_json))


def pipeline(redis: str | None, prefix: str | None) -> tuple[str, str]:
    """URL and prefix: what was given, else the environment's, else those of the pipeline that runs on this machine.

    Raises:
        UserMistake: no pipeline runs here and no URL was given, or it is none.
    """
    from dfp.local.directory import running
    from dfp.local.options import redis_url

    url = redis_url(redis or os.environ.get("DFP_REDIS_URL"))
    if url is not None:
        return url, prefix or os.environ.get("DFP_STREAM_PREFIX", "dfp")
    for run in running():
        if prefix in (None, run.prefix):
            return run.redis_url, run.prefix
    raise UserMistake("no `dfp up` runs here; start one, or give the server with --redis redis://HOST:PORT")
