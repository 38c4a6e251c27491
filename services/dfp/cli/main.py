"""The entry of `dfp`: every mistake of a user becomes a message and exit code 2, never a stack trace."""

import sys
from collections.abc import Sequence

import typer

from dfp.cli import halt, health, strategy, tap, trigger, up, version, watch
from dfp.cli import run as run_service
from dfp.contracts.errors import ContractError
from dfp.local.mistake import UserMistake

MISTAKE = 2

app = typer.Typer(
    name="dfp",
    help="东风破 Dongfengpo: live trading signals, on one machine or on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("run")(run_service.run)
app.command("trigger")(trigger.trigger)
app.command("health")(health.health)
app.command("halt")(halt.halt)
app.command("release")(halt.release)
app.add_typer(strategy.app, name="strategy")
app.command("watch")(watch.watch)
app.command("tap")(tap.tap)
app.command("version")(version.version)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code: 0 good, 1 failed, 2 a mistake of the user."""
    try:
        app(list(arguments), prog_name="dfp")
    except (UserMistake, ContractError) as error:
        typer.echo(f"dfp: {error}", err=True)
        return MISTAKE
    except SystemExit as end:  # typer's own way out, also for options that do not exist
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))
