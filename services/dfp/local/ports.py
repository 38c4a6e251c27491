"""Ports are checked before anything starts, and whoever holds a taken one is named."""

import errno
import itertools
import socket
from collections.abc import Mapping

import psutil

from dfp.local.mistake import UserMistake

HEALTH = range(9100, 9900)
VALKEY = range(6390, 6490)
"""Both lie below the ports that the system gives to outgoing connections (32768 and up on Linux): one of those could
take the server's port while it restarts, and a client that retries could even end up connected to itself."""


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


class Ports:
    """Ports that this process has promised to its services.

    Services bind them seconds after they were found free. Until then another `dfp up` would find them free too, and
    both would ask the first one's services for their health. So a port is reserved by an abstract socket of its number:
    the kernel gives it to one process of the machine (of its network namespace, as ports are), and takes it back when
    that process ends, however it ends.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Reserve a port; False when it is taken, or reserved by another `dfp up`."""
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mark.bind(f"\0dongfengpo/port/{port}")
        except OSError:
            mark.close()
            return False
        if not is_free(port):
            mark.close()
            return False
        self._held[port] = mark
        return True

    def take_doors(self, wanted: Mapping[str, int]) -> None:
        """Reserve the ports that people know; refuse what cannot be had, all in one message.

        Args:
            wanted: option -> port, for example `--http-port` -> 8888.

        Raises:
            UserMistake: names each option, its port, who holds it and what to do.
        """
        problems: list[str] = []
        asked: dict[int, str] = {}
        for option, port in wanted.items():
            if not 1 <= port <= 65535:
                problems.append(f"{option}: {port} is not allowed; expected a port from 1 to 65535")
            elif port in asked:
                problems.append(f"{option}: {port} is not allowed; {asked[port]} has it already")
            elif not self.take(port):
                holder = "another `dfp up` that is starting" if is_free(port) else owner(port)
                problems.append(
                    f"{option}: port {port} is taken by {holder}; stop it, or choose another port with {option}"
                )
            asked.setdefault(port, option)
        if problems:
            raise UserMistake("\n".join(problems))

    def take_free(self, count: int, among: range) -> list[int]:
        """Reserve the first `count` free ports of a range. Nobody has to know them: a taken one is passed over.

        Raises:
            UserMistake: there are not so many.
        """
        found = list(itertools.islice(filter(self.take, among), count))
        if len(found) < count:
            raise UserMistake(
                f"ports: {count} free ones are needed from {among[0]} to {among[-1]}, {len(found)} are free; "
                "stop other pipelines on this machine"
            )
        return found

    def close(self) -> None:
        """Give all reservations back."""
        for mark in self._held.values():
            mark.close()
        self._held.clear()
