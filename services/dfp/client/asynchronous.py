"""The client for asyncio."""

import asyncio
import urllib.parse
from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from ssl import SSLContext
from types import TracebackType
from typing import TypeVar, Unpack

import msgspec

from dfp.client import address
from dfp.client.documents import Halted, StrategyStatus, Version
from dfp.client.errors import BadAnswer
from dfp.client.filter import Wanted, filter_of
from dfp.client.follow import AsyncFollow
from dfp.client.queries import AlertQuery, OpportunityQuery, SignalQuery, as_query
from dfp.client.question import Questions, decode
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.outcome import Outcome
from dfp.contracts.risk import Alert, Halt
from dfp.contracts.signal import Signal

TIMEOUT_S = 10.0
LARGEST_PAGE = 1000

T = TypeVar("T")


class AsyncClient:
    """A pipeline behind its gateway. Use it as a context manager, or close it.

    Questions are asked again on a lost connection and while the service is not ready, until `timeout_s` is over;
    `halt` and `release` are asked once. All methods raise `ClientError`s.

    Args:
        url: of the gateway, such as http://localhost:8888 or https://signals.example.
        tls: whom to trust, and who we are; the system's certificates unless given.
        timeout_s: seconds after which a question is given up.

    Raises:
        Refused: the URL is none.
    """

    def __init__(self, url: str, *, tls: SSLContext | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address.parse(url)
        self._tls = tls
        self._questions = Questions(self._address, tls, timeout_s)
        self._follows: set[AsyncFollow] = set()

    def opportunities(
        self, limit: int | None = None, **restrictions: Unpack[OpportunityQuery]
    ) -> AsyncGenerator[Opportunity, None]:
        """Latest revision of each opportunity that passes, newest first; at most `limit`, page after page."""
        return self._pages("/opportunities", "opportunities", Opportunity, limit, restrictions)

    async def opportunity(self, identifier: str) -> Opportunity:
        """Latest revision of one opportunity."""
        return decode(await self._questions.get(f"/opportunities/{_quoted(identifier)}"), Opportunity)

    async def history(self, identifier: str) -> list[Opportunity]:
        """All revisions of an opportunity, oldest first."""
        body = await self._questions.get(f"/opportunities/{_quoted(identifier)}/history")
        return _list(body, "revisions", Opportunity)[0]

    async def outcome(self, identifier: str) -> Outcome:
        """What became of an opportunity; `NotFound` until that is known."""
        return decode(await self._questions.get(f"/opportunities/{_quoted(identifier)}/outcome"), Outcome)

    def signals(self, limit: int | None = None, **restrictions: Unpack[SignalQuery]) -> AsyncGenerator[Signal, None]:
        """Signals of live strategies that pass, newest first; at most `limit`, page after page."""
        return self._pages("/signals", "signals", Signal, limit, restrictions)

    def alerts(self, limit: int | None = None, **restrictions: Unpack[AlertQuery]) -> AsyncGenerator[Alert, None]:
        """Alerts of risk that pass, newest first; at most `limit`, page after page."""
        return self._pages("/risk/alerts", "alerts", Alert, limit, restrictions)

    async def strategies(self) -> list[StrategyStatus]:
        """All strategies of the pipeline."""
        return _list(await self._questions.get("/strategies"), "strategies", StrategyStatus)[0]

    async def halts(self) -> list[Halt]:
        """All halts that hold."""
        return _list(await self._questions.get("/halts"), "halts", Halt)[0]

    async def halt(self, target: str, reason: str) -> Halted:
        """Stop `pipeline` or `strategy/NAME` from publishing, at once and until it is released."""
        status, body = await self._questions.post("/halts", {"target": target, "reason": reason})
        return Halted(decode(body, Halt), new=status == HTTPStatus.CREATED)

    async def release(self, target: str, reason: str) -> None:
        """End a halt; `NotFound` when there is none."""
        await self._questions.post("/halts/release", {"target": target, "reason": reason})

    async def version(self) -> Version:
        """Which program answers, and which feed drives it."""
        return decode(await self._questions.get("/version"), Version)

    def follow(self, last_id: str | None = None, **wanted: Unpack[Wanted]) -> AsyncFollow:
        """Opportunities as they come, from a snapshot or behind `last_id` on.

        Raises:
            Refused: a restriction that is none.
        """
        follow = AsyncFollow(self._address, filter_of(wanted), last_id, self._tls)
        self._follows = {open_ for open_ in self._follows if not open_.closed} | {follow}
        return follow

    async def aclose(self) -> None:
        """End everything that is open."""
        await asyncio.gather(*(follow.aclose() for follow in self._follows))
        await self._questions.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _pages(
        self, path: str, plural: str, kind: type[T], limit: int | None, restrictions: Mapping[str, object]
    ) -> AsyncGenerator[T, None]:
        left, cursor = limit, None
        while left is None or left > 0:
            size = LARGEST_PAGE if left is None else min(left, LARGEST_PAGE)
            query = as_query({**restrictions, "limit": size, "cursor": cursor})
            found, cursor = _list(await self._questions.get(path, query), plural, kind)
            for document in found[:left]:
                yield document
            if cursor is None:
                return
            left = None if left is None else left - len(found)


class _Next(msgspec.Struct):
    next: str | None = None


def _list(body: bytes, plural: str, kind: type[T]) -> tuple[list[T], str | None]:
    """The documents of a list, and the cursor behind them."""
    fields = decode(body, dict[str, msgspec.Raw])
    if plural not in fields:
        raise BadAnswer(f"no {plural}: {body[:80]!r}")
    return decode(bytes(fields[plural]), list[kind]), decode(body, _Next).next  # type: ignore[valid-type]


def _quoted(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")
