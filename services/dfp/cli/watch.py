"""`dfp watch`: opportunities as they come, one line each."""

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from dfp.cli.gateway import in_words
from dfp.contracts.signal import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from dfp.client import AsyncClient, AsyncFollow, Event
    from dfp.contracts.opportunity import Opportunity

URL = "http://127.0.0.1:8888"


def watch(
    url: Annotated[str, typer.Option(help="Gateway of the pipeline.")] = URL,
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol; may be repeated.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only what this strategy stands behind.")] = None,
    side: Annotated[Direction | None, typer.Option(help="Only this side.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many lines.")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="End after this time: 60s, 15m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Follow the opportunities of a pipeline until Ctrl-C, --count or --for; lost connections are resumed.

    \b
    Examples:
      dfp watch
      dfp watch --symbol 600000.SH --symbol 000001.SZ --side Up
      dfp watch --strategy breakout --json | jq .confidence
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.local.mistake import refuse
    from dfp.local.options import duration as seconds
    from dfp.market.symbols import SymbolError, normalize

    symbols: set[str] = set()
    for text in symbol or ():
        try:
            symbols.add(normalize(text))
        except SymbolError as error:
            refuse("--symbol", text, str(error))
    if side is Direction.FLAT:
        refuse("--side", side.value, "Up or Down: an opportunity is never Flat")

    def follow(client: "AsyncClient") -> "AsyncFollow":
        return client.follow(
            symbols=symbols or None,
            strategies=None if strategy is None else [strategy],
            sides=None if side is None else [side],
        )

    with in_words():
        asyncio.run(_show(url, follow, count, seconds(duration), as_json=as_json))


async def _show(
    url: str,
    follow: "Callable[[AsyncClient], AsyncFollow]",
    count: int | None,
    limit_s: float | None,
    *,
    as_json: bool,
) -> None:
    from dfp.client import AsyncClient, Lost
    from dfp.contracts import codec

    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)

    printed = 0
    with contextlib.suppress(asyncio.CancelledError, TimeoutError):
        async with asyncio.timeout(limit_s), AsyncClient(url) as client:
            async for event in follow(client):
                if isinstance(event, Lost):
                    typer.echo(f"dfp: {url}: {event.reason}; again in {event.pause_s:.1f} s", err=True)
                for found in opportunities(event):
                    typer.echo(codec.encode(found).decode() if as_json else line(found))
                    printed += 1
                    if printed == count:
                        return


def opportunities(event: "Event") -> "list[Opportunity]":
    """The opportunities in an event: one, those of a snapshot, or none."""
    from dfp.client import Revision, Snapshot

    match event:
        case Revision():
            return [event.opportunity]
        case Snapshot():
            return event.opportunities
        case _:
            return []


def line(found: "Opportunity") -> str:
    """An opportunity for people: `10:01:03.500  600000.SH  Up    Tracking   0.62  10.30  breakout: …`."""
    from dfp.cli.decoded import clock_text

    price = "-" if found.reference_price is None else f"{found.reference_price:.2f}"
    state = found.state.value if found.closed is None else f"{found.state} ({found.closed})"
    reasons = "; ".join(f"{one.strategy}: {one.reason}" for one in found.members)
    head = (
        f"{clock_text(found.as_of)}  {found.symbol}  {found.side:<4}  {state:<20}  {found.confidence:.2f}  {price:>9}"
    )
    return f"{head}  {reasons}".rstrip()
