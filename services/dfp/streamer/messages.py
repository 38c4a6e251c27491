"""What clients are told: `{"type", "id", "payload"}`, encoded once for all of them.

The payload of an opportunity is the canonical JSON of the log, byte for byte.
"""

from collections.abc import Iterable, Mapping

import msgspec

from dfp.contracts.entry import entry_id

_encode = msgspec.json.Encoder().encode


def opportunity(seq: int, payload: bytes, hops: Mapping[str, int]) -> bytes:
    """One revision, with the wall clock of each hop it took, UTC nanoseconds."""
    return b'{"type":"opportunity","id":"%b","payload":%b,"hops":%b}' % (_id(seq), payload, _encode(dict(hops)))


def snapshot(seq: int, payloads: Iterable[bytes], reason: str | None = None) -> bytes:
    """The latest revision of every open opportunity as of `seq`. A client replaces what it has.

    Args:
        reason: why a client gets this although it asked to resume; None when it did not.
    """
    why = b"" if reason is None else b',"reason":%b' % _encode(reason)
    return b'{"type":"snapshot","id":"%b","payload":[%b]%b}' % (_id(seq), b",".join(payloads), why)


def resync(seq: int, reason: str) -> bytes:
    """The log has lost what clients were told: all of it is retracted, a snapshot follows."""
    return b'{"type":"resync","id":"%b","payload":{"reason":%b}}' % (_id(seq), _encode(reason))


def heartbeat(seq: int) -> bytes:
    """Sign of life, with the id of the last entry, so that a client can tell silence from loss."""
    return b'{"type":"heartbeat","id":"%b","payload":{}}' % _id(seq)


def _id(seq: int) -> bytes:
    return entry_id(seq).encode()
