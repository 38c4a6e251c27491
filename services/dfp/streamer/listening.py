"""The listening socket, and how many connections the process may have."""

import resource
import socket
from ipaddress import IPv4Address, IPv6Address

BACKLOG = 4096
"""Connections that wait for the handshake: after a restart all clients come back within seconds."""


def bind(host: IPv4Address | IPv6Address, port: int, *, shared: bool, send_buffer: int) -> socket.socket:
    """A socket on which to listen; until then, nobody is connected to it.

    Args:
        shared: whether other processes have the same port; the kernel spreads connections over those that listen.
        send_buffer: bytes that the kernel may hold for one client. Without a limit it grows to some 4 MB each.

    Raises:
        OSError: the port cannot be bound; the message names it.
    """
    listening = socket.socket(socket.AF_INET if host.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listening.bind((str(host), port))
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from None
    listening.setblocking(False)
    return listening


def allow_many_connections() -> int:
    """Raise the limit of open files to the hard limit, and say what it is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
