"""One entry of a stream: a sequence number, a kind, a canonical payload and metadata that no hash covers.

The entry id *is* the sequence number: `0-<seq>`, contiguous from 1 within a stream. Redis itself then refuses a repeat
(XADD with an id that is not larger), numbers shared streams without a counter of ours (`XADD key 0-*`), and keeps the
number over a trim. A reader that sees anything but previous + 1 has found a hole, a lost suffix or a duplicate.
"""

import enum
from collections.abc import Mapping

import msgspec

from dfp.contracts.errors import ContractError


class Kind(enum.StrEnum):
    """What an entry's payload is."""

    TICKS = "ticks"
    FEATURES = "features"
    CLOCK = "clock"
    GAP = "gap"
    SIGNAL = "signal"
    OPPORTUNITY = "opportunity"
    ALERT = "alert"
    VERDICTS = "verdicts"
    HELD = "held"
    OUTCOME = "outcome"
    DEAD_LETTER = "dead-letter"
    CONTAINED = "contained"


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What travels with an entry but is not part of what it says: it differs from run to run.

    Attributes:
        hops: hop (`ingest`, `feature`, `signal`, `opportunity`, `push`) -> its wall clock, UTC nanoseconds.
        cursor: input stream -> sequence number up to which it was read when this entry was made; a replay
            merges its inputs in that order.
    """

    hops: dict[str, int] = {}
    cursor: dict[str, int] = {}

    def stamped(self, hop: str, now_ns: int) -> "Meta":
        """The same metadata with one more hop."""
        return Meta({**self.hops, hop: now_ns}, self.cursor)


NO_META = Meta()


class Entry(msgspec.Struct, frozen=True):
    """A decoded stream entry; `payload` is still encoded, its codec depends on `kind`."""

    seq: int
    kind: Kind
    payload: bytes
    meta: Meta = NO_META


_meta_encoder = msgspec.msgpack.Encoder()
_meta_decoder = msgspec.msgpack.Decoder(Meta)
_KINDS = {kind.value.encode(): kind for kind in Kind}


def entry_id(seq: int) -> str:
    """The stream id of a sequence number."""
    return f"0-{seq}"


def sequence(entry_id: bytes | str) -> int:
    """The sequence number of a stream id.

    Raises:
        ContractError: the id was not made by us.
    """
    text = entry_id.decode("ascii", "replace") if isinstance(entry_id, bytes) else entry_id
    head, _, tail = text.partition("-")
    if head != "0" or not (tail.isascii() and tail.isdecimal()):
        raise ContractError("entry id", text, "0-<sequence number>, for example 0-1234")
    return int(tail)


def to_fields(kind: Kind, payload: bytes, meta: Meta) -> tuple[bytes, ...]:
    """The field list of an entry as XADD takes it: k, p, m."""
    return (b"k", kind.value.encode(), b"p", payload, b"m", _meta_encoder.encode(meta))


def from_fields(entry_id: bytes | str, fields: Mapping[bytes, bytes]) -> Entry:
    """The entry that `to_fields` wrote.

    Raises:
        ContractError: a field is missing or not what `to_fields` writes.
    """
    kind = _KINDS.get(fields.get(b"k", b""))
    payload = fields.get(b"p")
    if kind is None or payload is None:
        raise ContractError("entry", dict(list(fields.items())[:3]), f"fields k (one of {', '.join(Kind)}), p and m")
    try:
        meta = _meta_decoder.decode(fields.get(b"m", b""))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractError("entry.m", fields.get(b"m"), f"msgpack of hops and cursor ({error})") from None
    return Entry(sequence(entry_id), kind, payload, meta)
