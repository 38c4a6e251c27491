"""Follows opportunities for as long as somebody asks for the next event, over lost connections."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from ssl import SSLContext
from types import TracebackType
from typing import Unpack

from picows import WSError, WSHandshakeError

from dfp.client import messages
from dfp.client.address import Address
from dfp.client.backoff import pause_s
from dfp.client.connection import Connection
from dfp.client.errors import mistaken, problem_of, refusal
from dfp.client.events import Connected, Event, Lost
from dfp.client.filter import Filter, Wanted, filter_of
from dfp.client.resume import Resume
from dfp.contracts.entry import entry_id, sequence
from dfp.contracts.errors import ContractError

STEADY_S = 10.0
"""A connection that lasted so long was a good one; pauses grow over shorter ones, so that no loop of them is hot."""


class AsyncFollow(AsyncIterator[Event]):
    """An endless iterator of events. It connects by itself and resumes behind the last id; it ends when it is closed.

    Asking for an event may be cancelled (by a time-out, say); none is lost by that.

    Raises, while it is iterated:
        Refused: the server will not have this question, now or later.
        BadAnswer: a message that this version does not understand; the next may be better.
    """

    def __init__(self, address: Address, wanted: Filter, last_id: str | None, tls: SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        self._resume = Resume(wanted, _sequence(last_id))
        self._connection: Connection | None = None
        self._failures = 0
        self._since = 0.0
        self._not_before = 0.0
        self._closed = asyncio.Event()

    @property
    def last_id(self) -> str | None:
        """The id up to which everything was handed out: another follower with the same filter can go on from it.

        None while only a snapshot will do.
        """
        return None if self._resume.last is None else entry_id(self._resume.last)

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed.is_set()

    async def subscribe(self, **wanted: Unpack[Wanted]) -> None:
        """Ask for another filter in place of the one that holds. `Subscribed` and a snapshot come among the events.

        Raises:
            Refused: a restriction that is none.
        """
        asked = filter_of(wanted)
        self._resume.ask(asked)
        if self._connection is not None:
            self._connection.send(asked.message())

    async def aclose(self) -> None:
        """End it, also for a task that waits for an event."""
        self._closed.set()
        if self._connection is not None:
            self._connection.close()

    async def __anext__(self) -> Event:
        """The next event."""
        while not self._closed.is_set():
            if self._connection is None:
                return await self._connect()
            line = await self._connection.next()
            if line is None:
                return self._lost(self._connection.ended or "the connection was closed")
            event = messages.event(*line, self._resume)
            if event is not None:
                return event
        raise StopAsyncIteration

    async def _connect(self) -> Event:
        await self._wait()
        self._resume.begin()
        last_id, connection = self.last_id, Connection()
        query = self._resume.held.query() | ({} if last_id is None else {"last_id": last_id})
        try:
            await connection.open(self._address.socket(query), self._tls)
        except WSHandshakeError as error:
            if error.response is None:  # what answers is no web server
                return self._lost(str(error))
            status = error.response.status
            problem = problem_of(status, status.phrase, error.raw_body or b"")
            if 400 <= status < 500 and status is not HTTPStatus.TOO_MANY_REQUESTS:
                raise refusal(problem) from None
            return self._lost(problem.detail)
        except (OSError, WSError) as error:
            return self._lost(str(error) or type(error).__name__)
        if self._closed.is_set():
            connection.close()
            raise StopAsyncIteration
        self._connection = connection
        self._since = asyncio.get_running_loop().time()
        for asked in self._resume.asked:  # meanwhile
            connection.send(asked.message())
        return Connected(last_id)

    async def _wait(self) -> None:
        """The pause after a loss; what is left of it, when it was interrupted."""
        left = self._not_before - asyncio.get_running_loop().time()
        if left > 0:
            try:
                async with asyncio.timeout(left):
                    await self._closed.wait()
            except TimeoutError:
                return
        if self._closed.is_set():
            raise StopAsyncIteration

    def _lost(self, reason: str) -> Lost:
        if self._closed.is_set():
            raise StopAsyncIteration
        now = asyncio.get_running_loop().time()
        steady = self._connection is not None and now - self._since >= STEADY_S
        self._connection = None
        self._failures = 1 if steady else self._failures + 1
        pause = pause_s(self._failures)
        self._not_before = now + pause
        return Lost(reason, pause)

    async def __aenter__(self) -> "AsyncFollow":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _sequence(last_id: str | None) -> int | None:
    try:
        return None if last_id is None else sequence(last_id)
    except ContractError as error:
        raise mistaken("last_id", error.value, error.allowed) from None
