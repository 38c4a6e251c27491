"""What clients are told: `{"type", "id", "payload"}`, encoded once for all of them.

A frame holds one or more messages, a line each. The payload of an opportunity is the canonical JSON of the log, byte
for byte. `schema.py` describes each message.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from dfp.contracts.entry import entry_id
from dfp.contracts.errors import ContractError
from dfp.streamer.filters import Filter
from dfp.streamer.schema import Subscription

_encode = msgspec.json.Encoder().encode


def frame(lines: Iterable[bytes]) -> bytes:
    """Messages as JSON Lines."""
    return b"\n".join(lines)


def opportunity(seq: int, payload: bytes, hops: Mapping[str, int]) -> bytes:
    """One revision, with the wall clock of each hop it took, UTC nanoseconds."""
    return b'{"type":"opportunity","id":"%b","payload":%b,"hops":%b}' % (
        _id(seq),
        _line(payload),
        _encode(dict(hops)),
    )


def snapshot(seq: int, payloads: Iterable[bytes], reason: str | None = None) -> Iterator[bytes]:
    """The latest revision of every open opportunity as of `seq`, in pieces. A client replaces what it has.

    Args:
        reason: why a client gets this although it asked to resume; None when it did not.
    """
    yield b'{"type":"snapshot","id":"%b","payload":[' % _id(seq)
    comma = b""
    for payload in payloads:
        yield comma + _line(payload)
        comma = b","
    yield b"]}" if reason is None else b'],"reason":%b}' % _encode(reason)


def resync(seq: int, reason: str) -> bytes:
    """The log has lost what clients were told: all of it is retracted, a snapshot follows."""
    return b'{"type":"resync","id":"%b","payload":{"reason":%b}}' % (_id(seq), _encode(reason))


def heartbeat(seq: int) -> bytes:
    """Sign of life, with the id of the last entry, so that a client can tell silence from loss."""
    return b'{"type":"heartbeat","id":"%b","payload":{}}' % _id(seq)


def subscribed(seq: int, wanted: Filter) -> bytes:
    """The filter that holds from now on; a snapshot follows."""
    return b'{"type":"subscribed","id":"%b","payload":%b}' % (_id(seq), _encode(Subscription.of(wanted)))


def alert(seq: int, payload: bytes) -> bytes:
    """A risk alert; `seq` is its number in the stream of alerts, not of opportunities."""
    return b'{"type":"alert","id":"%b","payload":%b}' % (_id(seq), _line(payload))


def error(seq: int, mistake: ContractError) -> bytes:
    """What is wrong in what the client sent."""
    value = mistake.value if isinstance(mistake.value, str | int | float | bool) else str(mistake.value)
    shown = value if not isinstance(value, str) or len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
    payload = _encode({"field": mistake.field, "value": shown, "allowed": mistake.allowed})
    return b'{"type":"error","id":"%b","payload":%b}' % (_id(seq), _line(payload))


LONGEST_VALUE = 80
"""Characters of a wrong value that are sent back."""


def _line(payload: bytes) -> bytes:
    """A payload without newlines; only one that others wrote has any, and in JSON they are mere space."""
    return payload.replace(b"\n", b" ")


def _id(seq: int) -> bytes:
    return entry_id(seq).encode()
