"""`dfp trigger SCENARIO`: scripted ticks, to see that a pipeline does what it should."""

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from dfp.cli.pipeline import PrefixOption, RedisOption, on_server

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from dfp.contracts.names import Names

MISSED = 1


class Name(enum.StrEnum):
    """Scenarios."""

    BREAKOUT = "breakout"
    VOLATILITY = "volatility"
    FEED_STOP = "feed-stop"


def trigger(
    scenario: Annotated[Name, typer.Argument(help="What should happen.")],
    symbol: Annotated[str, typer.Option(help="Share that it happens to.")] = "600000.SH",
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Send scripted ticks to a pipeline with --source raw_ticks, and print what comes of them.

    Exit code 0: everything expected was seen, 1: something is missing.

    \b
    Examples:
      dfp up --source raw_ticks --clock ticks
      dfp trigger breakout
      dfp trigger volatility --symbol 000001.SZ
      dfp trigger feed-stop
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.local.mistake import refuse
    from dfp.local.scenario import SCENARIOS
    from dfp.market.instruments import classify
    from dfp.market.symbols import SymbolError

    try:
        share = classify(symbol).symbol
    except SymbolError as error:
        refuse("--symbol", symbol, str(error))

    async def act(server: "Redis", names: "Names") -> bool:
        from dfp.local.trigger import play

        return await play(server, names, SCENARIOS[scenario.value], share, lambda line: typer.echo(f"dfp: {line}"))

    seen = on_server(redis, prefix, act)
    typer.echo("dfp: as expected" if seen else "dfp: not as expected")
    raise typer.Exit(0 if seen else MISSED)
