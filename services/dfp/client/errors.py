"""What can go wrong for a user of the client: one family, each with words that say what to do."""

import contextlib
from typing import Any

import msgspec


class Mistake(msgspec.Struct, frozen=True):
    """One wrong field of a request: its name, what was sent, what is allowed there."""

    field: str
    value: Any
    allowed: str


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem, as the API answers it; `detail` is for people."""

    status: int
    title: str = ""
    detail: str = ""
    errors: list[Mistake] = []


class ClientError(Exception):
    """The family of all errors of the client."""


class Unreachable(ClientError):
    """Nobody answered in time. For a halt or a release that means: it may have happened or not; ask again."""


class BadAnswer(ClientError):
    """An answer that is none of this version's: another program, or another version of ours."""


class Refused(ClientError):
    """The request was understood and refused.

    Attributes:
        problem: all that the answer said.
        field, value, allowed: of its first wrong field; empty and None when none was named.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        first = problem.errors[0] if problem.errors else Mistake("", None, "")
        self.field, self.value, self.allowed = first.field, first.value, first.allowed
        super().__init__(problem.detail)


class NotFound(Refused):
    """There is no such thing, or not yet (404)."""


class NotNow(Refused):
    """The service is not ready (502, 503, 504), and was not until the time for the question was over."""

    retry_after_s = 0.0
    """When it asks to be tried again."""


def problem_of(status: int, title: str, body: bytes) -> Problem:
    """The problem in an answer; one made of its words when it is none."""
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        found = msgspec.json.decode(body, type=Problem)
        if found.status == status:
            return found
    words = body.decode("utf-8", "replace").strip()
    return Problem(status, title, words[:500] or f"{status} {title}".strip())


def refusal(problem: Problem) -> Refused:
    """The error of a problem."""
    kinds = {404: NotFound, 502: NotNow, 503: NotNow, 504: NotNow}
    return kinds.get(problem.status, Refused)(problem)


def mistaken(field: str, value: object, allowed: str) -> Refused:
    """The error of a value that is wrong without asking anybody."""
    detail = f"{field}: {value!r:.80} is not allowed; expected {allowed}"
    return Refused(Problem(422, "Unprocessable Content", detail, [Mistake(field, value, allowed)]))
