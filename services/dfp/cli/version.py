"""`dfp version`."""

import importlib.metadata
import platform

import typer


def version() -> None:
    """Print the version of dfp, of Python and of the machine.

    Example:  dfp version
    """
    try:
        installed = importlib.metadata.version("dongfengpo")
    except importlib.metadata.PackageNotFoundError:
        installed = "0+checkout"
    machine = f"{platform.system()} {platform.machine()}"
    typer.echo(f"dfp {installed} (Python {platform.python_version()}, {machine})")
