"""`dfp halt` and `dfp release`: the switch that a person throws."""

from typing import TYPE_CHECKING, Annotated

import typer

from dfp.cli.pipeline import PrefixOption, RedisOption, on_server
from dfp.contracts.conditions import PIPELINE
from dfp.contracts.names import Names
from dfp.local.mistake import refuse

if TYPE_CHECKING:
    from redis.asyncio import Redis

Target = Annotated[str, typer.Argument(help="pipeline, or strategy/NAME.")]
Reason = Annotated[str, typer.Option(help="Why; it is shown wherever the halt is.")]

MAX_REASON = 500
NOT_HALTED = 1


def halt(target: Target, reason: Reason, redis: RedisOption = None, prefix: PrefixOption = None) -> None:
    """Stop a pipeline or one strategy from publishing, at once and until it is released.

    Nothing is lost: signals go to the shadow stream, and candidates of a halted pipeline to the held one.

    \b
    Examples:
      dfp halt pipeline --reason "wrong prices from the feed"
      dfp halt strategy/breakout --reason "too many signals since 10:40"
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.log.halts import halt as latch

    _check_reason(reason)

    async def act(server: "Redis", names: Names) -> str:
        await _check_target(server, names, target)
        held = await latch(server, names, target, reason)
        what = "nothing is published" if target == PIPELINE else "its signals go to the shadow stream"
        if held is not None:
            return f"{target} was halted already, by {held.cause}: {held.reason}"
        return f"{target} is halted: {what} until `dfp release {target} --reason …`"

    typer.echo(f"dfp: {on_server(redis, prefix, act)}")


def release(target: Target, reason: Reason, redis: RedisOption = None, prefix: PrefixOption = None) -> None:
    """End a halt. What was live when the pipeline was halted is closed as Halted; the next signals open anew.

    \b
    Examples:
      dfp release pipeline --reason "feed is right again"
      dfp release strategy/breakout --reason "parameter corrected"
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.log.halts import halts
    from dfp.log.halts import release as end

    _check_reason(reason)

    async def act(server: "Redis", names: Names) -> str | None:
        await _check_target(server, names, target)
        if await end(server, names, target, reason):
            return None
        others = ", ".join(one.target for one in await halts(server, names)) or "nothing"
        return f"{target} is not halted; halted is: {others}"

    problem = on_server(redis, prefix, act)
    if problem is not None:
        typer.echo(f"dfp: {problem}", err=True)
        raise typer.Exit(NOT_HALTED)
    typer.echo(f"dfp: {target} is released")


async def _check_target(server: "Redis", names: Names, target: str) -> None:
    """Refuse a target that no pipeline under this prefix has.

    Raises:
        UserMistake: lists what can be halted.
    """
    from dfp.log.halts import targets

    known = await targets(server, names)
    if not known:
        refuse("--prefix", names.prefix, "the prefix of a pipeline that runs or has run on this server")
    if target not in known:
        refuse("TARGET", target, f"one of {', '.join(known)}")


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON:
        refuse("--reason", reason[:80], f"a text of 1 to {MAX_REASON} characters")
