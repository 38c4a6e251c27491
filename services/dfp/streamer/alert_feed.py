"""Follows the stream of risk alerts from its end on."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from redis.asyncio import Redis

from dfp.api.feed import parse
from dfp.contracts import codec
from dfp.contracts.entry import Kind, entry_id
from dfp.contracts.errors import ContractError
from dfp.contracts.risk import Alert
from dfp.log.connection import BLOCK_MS, UNREACHABLE
from dfp.log.extent import last_seq

READ_COUNT = 100
RETRY_S = 0.5
FOREIGN_RETRY_S = 5.0

_log = structlog.get_logger(__name__)


class AlertFeed:
    """Hands on each alert that is written from now on.

    Args:
        take: gets the number of the entry in its stream, and the alert as JSON.
    """

    def __init__(self, redis: Redis, stream: str, take: Callable[[int, bytes], None]) -> None:
        self.redis = redis
        self.stream = stream
        self.take = take
        self._cursor: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the stream until `stop` is set; without Redis, try again."""
        while not stop.is_set():
            try:
                await self._read()
            except UNREACHABLE as error:
                _log.warning("redis is not reachable", stream=self.stream, error=str(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
            except ContractError as error:  # opportunities go on, whatever others write into this stream
                _log.error("the stream of alerts is not ours", error=str(error), retry_s=FOREIGN_RETRY_S)
                self._cursor = None
                await asyncio.sleep(FOREIGN_RETRY_S)

    async def _read(self) -> None:
        if self._cursor is None:
            self._cursor = await last_seq(self.redis, self.stream)
        reply: Any = await self.redis.xread({self.stream: entry_id(self._cursor)}, count=READ_COUNT, block=BLOCK_MS)
        if not reply:
            # A failover may have lost entries; their numbers are given again, to other alerts.
            self._cursor = min(self._cursor, await last_seq(self.redis, self.stream))
            return
        for identifier, fields in reply[0][1]:
            entry = parse(identifier, fields)
            self._cursor = entry.seq
            try:
                if entry.kind is not Kind.ALERT:
                    raise ContractError("entry.k", entry.kind, Kind.ALERT)
                codec.decode(entry.payload, Alert)
            except ContractError as error:
                _log.error("an entry is no alert and is passed over", id=entry_id(entry.seq), error=str(error))
            else:
                self.take(entry.seq, entry.payload)
