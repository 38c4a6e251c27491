"""Connections to Redis or Valkey, set up so that no client library repeats a write behind our back.

redis-py retries by itself (ten times by default): one `xadd()` that met a stall left two entries. Retries are off here;
what may be sent again is decided in `chain.py`, where a repeat is harmless.
"""

import asyncio
import re

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

BLOCK_MS = 1_000
"""Longest blocking read. It stays well below the socket time-out, so that a time-out always means trouble."""

SOCKET_TIMEOUT_S = 5.0
MINIMUM_VERSION = (7, 0)

UNREACHABLE = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, asyncio.TimeoutError)
"""What a lost, hanging or starting server looks like. The outcome of a write that ended so is unknown."""


class UnsupportedServer(RuntimeError):
    """The server lacks what the commit script needs."""


def connect(url: str, socket_timeout: float = SOCKET_TIMEOUT_S) -> Redis:
    """A client that answers in bytes and retries nothing. It opens its first connection when it is first used.

    Args:
        url: redis://, rediss:// or unix://.
        socket_timeout: seconds until a call gives up.
    """
    return Redis.from_url(
        url,
        decode_responses=False,
        protocol=2,
        socket_timeout=socket_timeout,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


async def check_server(redis: Redis) -> str:
    """The server's name and version, for example `valkey 9.1.2`.

    Raises:
        UnsupportedServer: older than Redis 7.0 (XGROUP SETID … ENTRIESREAD and `XADD key 0-*` are missing).
    """
    info = await redis.info("server")
    name = "valkey" if "valkey_version" in info else "redis"
    text = str(info.get("valkey_version") or info["redis_version"])
    found = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
    if name == "redis" and found < MINIMUM_VERSION:
        raise UnsupportedServer(f"redis {text} is too old; Redis 7.0 or later, or Valkey, is needed")
    return f"{name} {text}"


async def close(redis: Redis) -> None:
    """Close the client's connections, even when the server is gone."""
    try:
        await redis.aclose()
    except (exceptions.RedisError, OSError):
        return
