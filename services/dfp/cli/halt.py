"""`dfp halt` and `dfp release`: the switch that a person throws."""

from typing import TYPE_CHECKING, Annotated

import typer

from dfp.cli.gateway import UrlOption, in_words
from dfp.cli.pipeline import PrefixOption, RedisOption, on_server
from dfp.contracts.conditions import PIPELINE
from dfp.contracts.names import Names
from dfp.local.mistake import refuse

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from dfp.contracts.risk import Halt

Target = Annotated[str, typer.Argument(help="pipeline, or strategy/NAME.")]
Reason = Annotated[str, typer.Option(help="Why; it is shown wherever the halt is.")]

MAX_REASON = 500
NOT_HALTED = 1


def halt(
    target: Target,
    reason: Reason,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
    url: UrlOption = None,
) -> None:
    """Stop a pipeline or one strategy from publishing, at once and until it is released.

    Nothing is lost: signals go to the shadow stream, and candidates of a halted pipeline to the held one. The server is
    asked directly, so that it works while the services are down; with --url it is the gateway.

    \b
    Examples:
      dfp halt pipeline --reason "wrong prices from the feed"
      dfp halt strategy/breakout --reason "too many signals since 10:40"
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    _check(reason, redis, prefix, url)
    held = _latch_at_gateway(url, target, reason) if url else _latch(redis, prefix, target, reason)
    what = "nothing is published" if target == PIPELINE else "its signals go to the shadow stream"
    if held is not None:
        typer.echo(f"dfp: {target} was halted already, by {held.cause}: {held.reason}")
    else:
        typer.echo(f"dfp: {target} is halted: {what} until `dfp release {target} --reason …`")


def release(
    target: Target,
    reason: Reason,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
    url: UrlOption = None,
) -> None:
    """End a halt. What was live when the pipeline was halted is closed as Halted; the next signals open anew.

    \b
    Examples:
      dfp release pipeline --reason "feed is right again"
      dfp release strategy/breakout --reason "parameter corrected"
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    _check(reason, redis, prefix, url)
    others = _release_at_gateway(url, target, reason) if url else _release(redis, prefix, target, reason)
    if others is not None:
        halted = ", ".join(one.target for one in others) or "nothing"
        typer.echo(f"dfp: {target} is not halted; halted is: {halted}", err=True)
        raise typer.Exit(NOT_HALTED)
    typer.echo(f"dfp: {target} is released")


def _latch(redis: str | None, prefix: str | None, target: str, reason: str) -> "Halt | None":
    """The halt that held before, None when this one is new."""
    from dfp.log.halts import halt as latch

    async def act(server: "Redis", names: Names) -> "Halt | None":
        await _check_target(server, names, target)
        return await latch(server, names, target, reason)

    return on_server(redis, prefix, act)


def _latch_at_gateway(url: str, target: str, reason: str) -> "Halt | None":
    from dfp.client import Client

    with in_words(), Client(url) as client:
        found = client.halt(target, reason)
    return None if found.new else found.halt


def _release(redis: str | None, prefix: str | None, target: str, reason: str) -> "list[Halt] | None":
    """None when it was halted, otherwise what else is."""
    from dfp.log.halts import halts
    from dfp.log.halts import release as end

    async def act(server: "Redis", names: Names) -> "list[Halt] | None":
        await _check_target(server, names, target)
        return None if await end(server, names, target, reason) else await halts(server, names)

    return on_server(redis, prefix, act)


def _release_at_gateway(url: str, target: str, reason: str) -> "list[Halt] | None":
    from dfp.client import Client, NotFound

    with in_words(), Client(url) as client:
        try:
            client.release(target, reason)
        except NotFound:
            return client.halts()
    return None


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


def _check(reason: str, redis: str | None, prefix: str | None, url: str | None) -> None:
    if url is not None and (redis, prefix) != (None, None):
        refuse("--url", url, "no --redis or --prefix beside it: the gateway knows its pipeline")
    if not reason.strip() or len(reason) > MAX_REASON:
        refuse("--reason", reason[:80], f"a text of 1 to {MAX_REASON} characters")
