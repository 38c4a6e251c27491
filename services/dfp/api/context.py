"""What every route needs: memory, the way to Redis, health, and the answers that many of them share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Response

from dfp.api import problem
from dfp.api.answers import encode
from dfp.api.described import JSON, Answers
from dfp.api.inquiry import Inquiry
from dfp.api.memory import Memory
from dfp.runtime.probes import Health


@dataclass
class Context:
    """Handed to each `install`.

    Attributes:
        version: of the program.
        answers: collects what the routes answer, for /openapi.json.
    """

    memory: Memory
    inquiry: Inquiry
    health: Health
    version: str
    answers: Answers = field(default_factory=Answers)

    def not_yet(self) -> Response:
        """The answer while memory is not complete: a part would look like the whole."""
        detail = f"the log is still being read ({self.health.state}); try again in a moment"
        return problem.problem(503, detail, headers={"Retry-After": "1"})


def answer(document: Any, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(encode(document), status, media_type=JSON)


def listed(name: str, payloads: Iterable[bytes], next_: str | None, head: bytes = b"") -> Response:
    """A page of documents as the log has them, byte for byte.

    Args:
        head: what stands before the list.
    """
    items = b",".join(payloads)
    return Response(b'{%b"%b":[%b],"next":%b}' % (head, name.encode(), items, encode(next_)), media_type=JSON)


def missing(field: str, value: str, what: str, allowed: str) -> Response:
    """There is no such thing."""
    return problem.problem(404, f"no {what} {value!r}", [problem.Mistake(field, value, allowed)])
