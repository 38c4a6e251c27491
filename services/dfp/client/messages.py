"""Makes events of the messages of the socket, `{"type", "id", "payload"}`, and leaves out what was told before."""

from typing import Any, TypeVar

import msgspec

from dfp.client.errors import BadAnswer
from dfp.client.events import (
    Event,
    Heartbeat,
    NotSubscribed,
    Resync,
    Revision,
    RiskAlert,
    Snapshot,
    Subscribed,
)
from dfp.client.filter import Filter
from dfp.client.resume import Resume
from dfp.contracts.entry import sequence
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.risk import Alert

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True):
    """One message, its payload still encoded."""

    type: str
    id: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"null")
    hops: dict[str, int] = {}
    reason: str | None = None


class _Retracted(msgspec.Struct, frozen=True):
    reason: str = ""


class _Refused(msgspec.Struct, frozen=True):
    field: str = ""
    value: Any = None
    allowed: str = ""


_decoder = msgspec.json.Decoder(Message)


def event(line: bytes, received: int, resume: Resume) -> Event | None:
    """The event in a message; None when it tells nothing new, or is of a type that this version does not know.

    Args:
        received: wall clock at its receipt, UTC nanoseconds.

    Raises:
        BadAnswer: it is not what a streamer sends.
    """
    try:
        return _event(_decoder.decode(line), received, resume)
    except (msgspec.MsgspecError, UnicodeDecodeError, ContractError) as error:
        raise BadAnswer(f"a message that this version does not understand: {line[:80]!r} ({error})") from None


def _event(message: Message, received: int, resume: Resume) -> Event | None:
    found: Event | None = None
    match message.type:
        case "opportunity":
            opportunity = _decode(message.payload, Opportunity)
            if resume.revision(sequence(message.id)):
                found = Revision(message.id, opportunity, message.hops, received)
        case "snapshot":
            opened = _decode(message.payload, list[Opportunity])
            resume.snapshot(sequence(message.id))
            found = Snapshot(message.id, opened, message.reason)
        case "resync":
            resume.resync()
            found = Resync(message.id, _decode(message.payload, _Retracted).reason)
        case "heartbeat":
            resume.heartbeat(sequence(message.id))
            found = Heartbeat(message.id)
        case "subscribed":
            told = _decode(message.payload, Filter)
            resume.subscribed(told)
            found = Subscribed(message.id, told)
        case "error":
            wrong = _decode(message.payload, _Refused)
            found = NotSubscribed(wrong.field, wrong.value, wrong.allowed)
            resume.refused()
        case "alert":
            found = RiskAlert(message.id, _decode(message.payload, Alert))
    return found


def _decode(payload: msgspec.Raw, kind: type[T]) -> T:
    return msgspec.json.decode(payload, type=kind)
