"""The client for programs without asyncio: the other client on a loop of its own, in a thread."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from ssl import SSLContext
from types import TracebackType
from typing import Any, TypeVar, Unpack

from dfp.client.asynchronous import TIMEOUT_S, AsyncClient
from dfp.client.documents import Halted, StrategyStatus, Version
from dfp.client.events import Event
from dfp.client.filter import Wanted
from dfp.client.follow import AsyncFollow
from dfp.client.queries import AlertQuery, OpportunityQuery, SignalQuery
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.outcome import Outcome
from dfp.contracts.risk import Alert, Halt
from dfp.contracts.signal import Signal

T = TypeVar("T")


class _Loop:
    """A loop that runs in a thread of its own until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dfp-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives; it is cancelled when the caller is interrupted."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """The same items, one after the other."""
        try:
            while (item := self.run(_next(items))) is not None:
                yield item
        finally:
            self.run(items.aclose())

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(items: AsyncIterator[T]) -> T | None:
    return await anext(items, None)


class Follow(Iterator[Event]):
    """`AsyncFollow` for a plain loop; `subscribe` and `close` may be called from another thread."""

    def __init__(self, loop: _Loop, follow: AsyncFollow) -> None:
        self._loop = loop
        self._follow = follow

    @property
    def last_id(self) -> str | None:
        """The id up to which everything was handed out; None while only a snapshot will do."""
        return self._follow.last_id

    def subscribe(self, **wanted: Unpack[Wanted]) -> None:
        """Ask for another filter in place of the one that holds."""
        self._loop.run(self._follow.subscribe(**wanted))

    def close(self) -> None:
        """End it, also for a thread that waits for an event."""
        self._loop.run(self._follow.aclose())

    def __next__(self) -> Event:
        """The next event."""
        event = self._loop.run(_next(self._follow))
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> "Follow":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Client:
    """A pipeline behind its gateway; see `AsyncClient`, of which each method is here without `await`."""

    def __init__(self, url: str, *, tls: SSLContext | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._client = AsyncClient(url, tls=tls, timeout_s=timeout_s)
        self._loop = _Loop()

    def opportunities(
        self, limit: int | None = None, **restrictions: Unpack[OpportunityQuery]
    ) -> Iterator[Opportunity]:
        """Latest revision of each opportunity that passes, newest first; at most `limit`, page after page."""
        return self._loop.iterate(self._client.opportunities(limit, **restrictions))

    def opportunity(self, identifier: str) -> Opportunity:
        """Latest revision of one opportunity."""
        return self._loop.run(self._client.opportunity(identifier))

    def history(self, identifier: str) -> list[Opportunity]:
        """All revisions of an opportunity, oldest first."""
        return self._loop.run(self._client.history(identifier))

    def outcome(self, identifier: str) -> Outcome:
        """What became of an opportunity; `NotFound` until that is known."""
        return self._loop.run(self._client.outcome(identifier))

    def signals(self, limit: int | None = None, **restrictions: Unpack[SignalQuery]) -> Iterator[Signal]:
        """Signals of live strategies that pass, newest first; at most `limit`, page after page."""
        return self._loop.iterate(self._client.signals(limit, **restrictions))

    def alerts(self, limit: int | None = None, **restrictions: Unpack[AlertQuery]) -> Iterator[Alert]:
        """Alerts of risk that pass, newest first; at most `limit`, page after page."""
        return self._loop.iterate(self._client.alerts(limit, **restrictions))

    def strategies(self) -> list[StrategyStatus]:
        """All strategies of the pipeline."""
        return self._loop.run(self._client.strategies())

    def halts(self) -> list[Halt]:
        """All halts that hold."""
        return self._loop.run(self._client.halts())

    def halt(self, target: str, reason: str) -> Halted:
        """Stop `pipeline` or `strategy/NAME` from publishing, at once and until it is released."""
        return self._loop.run(self._client.halt(target, reason))

    def release(self, target: str, reason: str) -> None:
        """End a halt; `NotFound` when there is none."""
        self._loop.run(self._client.release(target, reason))

    def version(self) -> Version:
        """Which program answers, and which feed drives it."""
        return self._loop.run(self._client.version())

    def follow(self, last_id: str | None = None, **wanted: Unpack[Wanted]) -> Follow:
        """Opportunities as they come, from a snapshot or behind `last_id` on."""
        return Follow(self._loop, self._client.follow(last_id, **wanted))

    def close(self) -> None:
        """End everything that is open."""
        self._loop.run(self._client.aclose())
        self._loop.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
