"""Where a run keeps its files, and how another `dfp` command finds a pipeline that runs now.

Layout of a data directory: `valkey/` (append-only file and configuration), `logs/` (one a service), and for the time of
the run `run.json`. A replay or synthetic run gets a new one and leaves nothing behind; `--data-dir` keeps it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from dfp.local.mistake import UserMistake, refuse


class Run(msgspec.Struct, frozen=True):
    """A pipeline that `dfp up` runs.

    Attributes:
        started: when its process began, seconds since the epoch as the system counts it: a pid alone may be reused.
    """

    pid: int
    started: float
    redis_url: str
    prefix: str
    data: str


def state_root() -> Path:
    """$XDG_STATE_HOME/dfp, or ~/.local/state/dfp."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "dfp"


class DataDirectory:
    """The files of one run.

    Args:
        chosen: what `--data-dir` says; None makes a new directory that `remove` deletes.

    Raises:
        UserMistake: it cannot be made or written.
    """

    def __init__(self, chosen: Path | None) -> None:
        self.kept = chosen is not None
        self.path = (chosen or state_root() / "runs" / str(os.getpid())).absolute()
        try:
            if not self.kept and self.path.exists():  # left by a killed run whose pid we have now
                shutil.rmtree(self.path)
            if self.valkey.exists() and any(self.valkey.iterdir()):
                refuse("--data-dir", chosen, "a folder without the data of an earlier run; choose another or delete it")
            self.logs.mkdir(parents=True, exist_ok=True)
            self.valkey.mkdir(exist_ok=True)
        except OSError as error:
            if chosen is None:
                raise UserMistake(
                    f"data directory {self.path}: {error.strerror}; give a folder that can be written with --data-dir"
                ) from None
            refuse("--data-dir", chosen, f"a folder that can be written ({error.strerror})")

    @property
    def logs(self) -> Path:
        """One file a service."""
        return self.path / "logs"

    @property
    def valkey(self) -> Path:
        """The embedded server's own directory."""
        return self.path / "valkey"

    def remove(self) -> None:
        """Delete it, unless the user chose it."""
        if not self.kept:
            shutil.rmtree(self.path, ignore_errors=True)


def announce(redis_url: str, prefix: str, data: Path) -> Path:
    """Note that this process runs a pipeline; the returned file is to be deleted at its end."""
    pid = os.getpid()
    run = Run(pid, psutil.Process(pid).create_time(), redis_url, prefix, str(data))
    folder = state_root() / "running"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{pid}.json"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # the URL may hold a password
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.encode(run))
    return file


def running() -> Iterator[Run]:
    """Pipelines that run on this machine now, the newest first; notes of dead ones are deleted."""
    found: list[Run] = []
    for file in (state_root() / "running").glob("*.json"):
        try:
            run = msgspec.json.decode(file.read_bytes(), type=Run)
        except (OSError, msgspec.MsgspecError):
            continue
        if is_alive(run.pid, run.started):
            found.append(run)
        else:
            file.unlink(missing_ok=True)
    yield from sorted(found, key=lambda run: run.started, reverse=True)


def remove_leftovers() -> None:
    """Delete data directories of runs that were killed before they could clean up."""
    for folder in (state_root() / "runs").glob("*"):
        if folder.name.isdecimal() and not psutil.pid_exists(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid: int, started: float) -> bool:
    """Whether process `pid` is still the one that began at `started` (seconds since the epoch)."""
    try:
        return bool(abs(psutil.Process(pid).create_time() - started) < 1.0)
    except psutil.Error:
        return False
