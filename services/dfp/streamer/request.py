"""What a WebSocket client may ask for."""

import urllib.parse

import msgspec

from dfp.contracts.errors import ContractError

PATH = "/ws/opportunities"


class NotFound(Exception):
    """No such path."""


class Resume(msgspec.Struct, frozen=True):
    """A request for opportunities; `last_id` is the last id that the client knows, None for a snapshot first."""

    last_id: str | None


def parse(target: bytes) -> Resume:
    """The request behind an HTTP request target such as `/ws/opportunities?last_id=0-123`.

    Raises:
        NotFound: another path, or no target at all.
        ContractError: a parameter that does not exist.
    """
    try:
        split = urllib.parse.urlsplit(target.decode("latin-1"))
    except ValueError as error:  # `//[` begins an address that never ends
        raise NotFound(f"no such path: {target[:80]!r} ({error})") from None
    if split.path != PATH:
        raise NotFound(f"no such path: {split.path[:80]!r}; WebSocket clients connect to {PATH}")
    query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
    for name in query:
        if name != "last_id":
            raise ContractError("query", name, "last_id=0-<sequence number>, or nothing")
    return Resume(query["last_id"][-1] if "last_id" in query else None)
