"""What a WebSocket client may ask for, in its request and on the open socket."""

import re
import urllib.parse
from dataclasses import dataclass

import msgspec

from dfp.contracts.errors import ContractError
from dfp.streamer import filters
from dfp.streamer.filters import Filter
from dfp.streamer.schema import Subscribe

PATH = "/ws/opportunities"
PARAMETERS = ("last_id", "symbols", "strategies", "sides", "states", "min_confidence", "alerts")

_PLACE = re.compile(r" - at `\$\.?([A-Za-z_]*)")
_UNKNOWN = re.compile(r"unknown field `(.*)`")


class NotFound(Exception):
    """No such path."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for opportunities; `last_id` is the last id that the client knows, None for a snapshot first."""

    last_id: str | None
    wanted: Filter = filters.EVERYTHING


def parse(target: bytes) -> Request:
    """The request behind an HTTP request target such as `/ws/opportunities?last_id=0-123&symbols=600000.SH`.

    Raises:
        NotFound: another path, or no target at all.
        ContractError: a parameter that does not exist, or a value that is not allowed.
    """
    try:
        split = urllib.parse.urlsplit(target.decode("latin-1"))
    except ValueError as error:  # `//[` begins an address that never ends
        raise NotFound(f"no such path: {target[:80]!r} ({error})") from None
    if split.path != PATH:
        raise NotFound(f"no such path: {split.path[:80]!r}; WebSocket clients connect to {PATH}")
    query = {name: values[-1] for name, values in urllib.parse.parse_qs(split.query, keep_blank_values=True).items()}
    for name in query:
        if name not in PARAMETERS:
            raise ContractError("query", name, f"one of {', '.join(PARAMETERS)}")
    lists = {name: query[name].split(",") for name in ("symbols", "strategies", "sides", "states") if name in query}
    wanted = filters.make(
        **lists, min_confidence=_number(query.get("min_confidence", "0")), alerts=_truth(query.get("alerts", "false"))
    )
    return Request(query.get("last_id"), wanted)


def parse_message(data: bytes) -> Filter:
    """The filter in what a client sent.

    Raises:
        ContractError: names the field, the value and what is allowed.
    """
    try:
        asked = msgspec.json.decode(data, type=Subscribe)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _mistake(data, str(error)) from None
    return filters.make(asked.symbols, asked.strategies, asked.sides, asked.states, asked.min_confidence, asked.alerts)


def _mistake(data: bytes, complaint: str) -> ContractError:
    """The field that msgspec complains of, with the value that it has."""
    unknown = _UNKNOWN.search(complaint)
    place = _PLACE.search(complaint)
    field = unknown.group(1) if unknown else place.group(1) if place else ""
    if not field:
        text = data[:64].decode("utf-8", "replace")
        return ContractError("message", text, f'{{"type":"subscribe", …}} ({complaint[:200]})')
    try:
        value: object = msgspec.json.decode(data, type=dict[str, object]).get(field)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = None
    if unknown:
        return ContractError(field[:80], value, f"no such field; expected some of type, {', '.join(PARAMETERS[1:])}")
    return ContractError(field, value, complaint[:200])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ContractError("min_confidence", text, "a number from 0 to 1") from None


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ContractError("alerts", text, "true or false")
    return text == "true"
