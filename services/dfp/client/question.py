"""Questions to the REST API: asked once more where that can do no harm, answered as documents or as errors."""

import asyncio
from collections.abc import Mapping
from ssl import SSLContext
from typing import Any, TypeVar

import aiohttp
import msgspec

from dfp.client.address import Address
from dfp.client.backoff import LONGEST_S, pause_s
from dfp.client.errors import BadAnswer, NotNow, Unreachable, problem_of, refusal

T = TypeVar("T")


class Questions:
    """Asks one gateway.

    Args:
        timeout_s: after which a question is given up, with all its repetitions.
    """

    def __init__(self, address: Address, tls: SSLContext | None, timeout_s: float) -> None:
        self._address = address
        self._tls = tls
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """The body of an answer. A lost connection and a service that is not ready are tried again until the time-out.

        Raises:
            Refused, Unreachable: what the service said last, or that it said nothing.
        """
        now = asyncio.get_running_loop().time
        deadline, failures = now() + self._timeout_s, 0
        said: NotNow | Unreachable | None = None
        while True:
            try:
                return (await self._ask("GET", path, query or {}, None, deadline - now()))[1]
            except NotNow as error:
                said, wish_s = error, min(error.retry_after_s, LONGEST_S)
            except Unreachable as error:
                said, wish_s = said if isinstance(said, NotNow) else error, 0.0
            failures += 1
            pause = max(pause_s(failures), wish_s)
            if now() + pause >= deadline:
                raise said
            await asyncio.sleep(pause)

    async def post(self, path: str, document: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of an answer; asked once only, because it changes something.

        Raises:
            Refused: nothing was changed.
            Unreachable: nobody knows.
        """
        return await self._ask("POST", path, {}, document, self._timeout_s)

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str], document: Any, limit_s: float
    ) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        url = self._address.rest(path, query)
        try:
            async with (
                asyncio.timeout(limit_s),
                self._session.request(method, url, json=document, ssl=self._tls or True) as answer,
            ):
                body = await answer.read()
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(f"no answer on {url}: {str(error) or 'too slow'}") from None
        if answer.ok:
            return answer.status, body
        refused = refusal(problem_of(answer.status, answer.reason or "", body))
        if isinstance(refused, NotNow):
            refused.retry_after_s = _seconds(answer.headers.get("Retry-After", ""))
        raise refused

    async def aclose(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def decode(body: bytes, kind: type[T]) -> T:
    """The document in an answer.

    Raises:
        BadAnswer: it is none.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadAnswer(f"no {getattr(kind, '__name__', kind)}: {body[:80]!r} ({error})") from None


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() else 0.0
