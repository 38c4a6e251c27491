"""Asks a service's health port whether it is ready, and in which state it says to be."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from redis.exceptions import RedisError

from dfp.log.connection import close, connect

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """One answer; `words` says for people what the service is doing."""

    ready: bool
    words: str


NO_ANSWER = Readiness(ready=False, words="starting")

Probe: TypeAlias = Callable[[], Awaitable[Readiness]]


def http_probe(port: int, path: str = "/health/ready", host: str = "127.0.0.1") -> Probe:
    """A probe of a service's health port: status 200 means ready, the body is its state in words."""

    async def ask() -> Readiness:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                    answer = await reader.read(65_536)
                    while more := await reader.read(65_536):
                        answer += more
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return NO_ANSWER
        return parse(answer)

    return ask


def parse(answer: bytes) -> Readiness:
    """Status and state in an HTTP answer; anything else counts as no answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if not head.startswith(b"HTTP/1.") or not status:
        return NO_ANSWER
    words = body.decode("utf-8", "replace").strip().partition("\n")[0][:80]
    return Readiness(status[0] == b"200", words or "ready")


def redis_probe(url: str) -> Probe:
    """A probe of a Redis server: ready when it answers, which it does not while it loads its data."""

    async def ask() -> Readiness:
        redis = connect(url, socket_timeout=TIMEOUT_S)
        try:
            await redis.ping()
        except RedisError as error:
            return Readiness(ready=False, words="loading its data" if "LOADING" in str(error) else "starting")
        except OSError:
            return NO_ANSWER
        finally:
            await close(redis)
        return Readiness(ready=True, words="ready")

    return ask
