"""Ports are checked before anything starts, and whoever holds a taken one is named."""

import errno
import itertools
import socket
from collections.abc import Collection, Mapping

import psutil

from dfp.local.mistake import UserMistake

HEALTH_FIRST = 9100
HEALTH_LAST = 9899


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: without it, connections of a server that has just ended (TIME_WAIT) look like a taken port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def owner(port: int) -> str:
    """Who listens on `port`, for people: `pid 123 (redis-server *:6379)`; vague where the system does not tell."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return "another user's process" if connection.pid is None else describe(connection.pid)
    return "another process"


def describe(pid: int) -> str:
    """A process by pid and command, at most 80 characters of it."""
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    shown = command if len(command) <= 80 else f"{command[:79]}…"
    return f"pid {pid} ({shown})" if shown else f"pid {pid}"


def check(wanted: Mapping[str, int]) -> None:
    """Refuse ports that are taken or asked for twice, all in one message.

    Args:
        wanted: option -> port, for example `--http-port` -> 8888.

    Raises:
        UserMistake: names each option, its port, who holds it and what to do.
    """
    problems: list[str] = []
    taken_by: dict[int, str] = {}
    for option, port in wanted.items():
        if not 1 <= port <= 65535:
            problems.append(f"{option}: {port} is not allowed; expected a port from 1 to 65535")
        elif port in taken_by:
            problems.append(f"{option}: {port} is not allowed; {taken_by[port]} has it already")
        elif not is_free(port):
            problems.append(
                f"{option}: port {port} is taken by {owner(port)}; stop it, or choose another port with {option}"
            )
        taken_by.setdefault(port, option)
    if problems:
        raise UserMistake("\n".join(problems))


def free_health_ports(count: int, doors: Collection[int]) -> list[int]:
    """The first `count` free ports from 9100 on, without the doors' ones.

    Nobody has to know health ports, so a taken one is passed over and no reason to refuse.

    Raises:
        UserMistake: there are not so many.
    """
    candidates = (port for port in range(HEALTH_FIRST, HEALTH_LAST + 1) if port not in doors and is_free(port))
    found = list(itertools.islice(candidates, count))
    if len(found) < count:
        raise UserMistake(
            f"health ports: {count} free ports are needed between {HEALTH_FIRST} and {HEALTH_LAST}, "
            f"{len(found)} are free; stop other pipelines on this machine"
        )
    return found


def any_free_port() -> int:
    """A port that the system gives out now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
