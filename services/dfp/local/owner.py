"""Claims a stream prefix on a Redis that others may use too; a second pipeline is refused with the owner's name."""

import getpass
import os
import socket
from typing import Any

import msgspec
import psutil
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from dfp.contracts.names import Names
from dfp.local.directory import is_alive
from dfp.local.mistake import UserMistake
from dfp.log.connection import UNREACHABLE, UnsupportedServer, check_server
from dfp.log.extent import last_seq

_REPLACE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Owner(msgspec.Struct, frozen=True):
    """Who uses a prefix.

    Attributes:
        owner: user name.
        started: when the process began, seconds since the epoch; a pid alone may be reused.
    """

    owner: str
    host: str
    pid: int
    started: float
    feed: str

    def __str__(self) -> str:
        return f"{self.owner}'s pid {self.pid} on {self.host} (feed {self.feed})"


def this_process(feed: str) -> Owner:
    """The owner that this process is."""
    pid = os.getpid()
    return Owner(getpass.getuser(), socket.gethostname(), pid, psutil.Process(pid).create_time(), feed)


def is_stale(claim: Owner, host: str) -> bool:
    """Whether the claim's process is known to be dead. Of another machine's processes nothing is known."""
    return claim.host == host and not is_alive(claim.pid, claim.started)


async def check_reachable(redis: Redis, url: str) -> None:
    """Refuse a server that cannot be used.

    Raises:
        UserMistake: not reachable, not let in, or too old; says what is needed.
    """
    try:
        await check_server(redis)
    except UnsupportedServer as error:
        raise UserMistake(f"--redis {_without_password(url)}: {error}") from None
    except AuthenticationError as error:
        raise UserMistake(
            f"--redis {_without_password(url)}: {error}; give user and password as redis://USER:PASSWORD@HOST:PORT"
        ) from None
    except UNREACHABLE as error:
        raise UserMistake(
            f"--redis {_without_password(url)}: not reachable ({error}); start the server, correct the URL, or leave "
            "--redis out to use the embedded Valkey"
        ) from None
    except RedisError as error:
        raise UserMistake(f"--redis {_without_password(url)}: {error}") from None


async def claim(redis: Redis, names: Names, me: Owner) -> bytes:
    """Claim the prefix for this process; returns what `release` needs. A dead process's claim is taken over.

    Raises:
        UserMistake: the prefix is in use, or holds the data of an earlier run.
    """
    mine = msgspec.json.encode(me)
    key = names.owner
    while not await redis.set(key, mine, nx=True):
        held: Any = await redis.get(key)
        if held is None:
            continue
        if not _may_replace(held, me.host):
            raise UserMistake(
                f"--prefix {names.prefix!r} is in use by {_name(held)}; choose another --prefix, or if that pipeline "
                f"is surely gone: redis-cli DEL {key}"
            )
        if await redis.eval(_REPLACE, 1, key, held, mine):
            break
    try:
        entries = await last_seq(redis, names.clean_ticks)
    except ResponseError:
        entries = -1
    if entries:
        await release(redis, names, mine)
        held_text = f"{entries:,} entries of an earlier run" if entries > 0 else "something that is no stream"
        raise UserMistake(
            f"--prefix {names.prefix!r}: {names.clean_ticks} holds {held_text}; choose another --prefix, or delete its "
            f"keys: redis-cli --scan --pattern '{names.prefix}:*' | xargs redis-cli DEL"
        )
    return mine


async def release(redis: Redis, names: Names, mine: bytes) -> None:
    """Give the prefix back, if it is still ours."""
    await redis.eval(_RELEASE, 1, names.owner, mine)


def _may_replace(held: bytes, host: str) -> bool:
    try:
        return is_stale(msgspec.json.decode(held, type=Owner), host)
    except msgspec.MsgspecError:
        return False


def _name(held: bytes) -> str:
    try:
        return str(msgspec.json.decode(held, type=Owner))
    except msgspec.MsgspecError:
        return repr(held[:80])


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else url
