"""The JSON codec shared by all documents: one canonical form, and only `ContractError` on bad bytes."""

from typing import TypeVar

import msgspec

from dfp.contracts.errors import ContractError


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that is stored and sent as JSON. Field order is the struct's, so equal documents have equal bytes."""


T = TypeVar("T", bound=Document)

_encoder = msgspec.json.Encoder()


def encode(document: Document) -> bytes:
    """Canonical JSON bytes."""
    return _encoder.encode(document)


def decode(data: bytes, kind: type[T]) -> T:
    """The document in `data`.

    Raises:
        ContractError: names the field and what is allowed. No other error, whatever the bytes are.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(kind.__name__, data[:64], str(error)[:300]) from None  # it may quote what it met
