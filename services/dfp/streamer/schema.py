"""Every message of the WebSocket as a type, in both directions; docs/websocket.md is made from it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.risk import Alert
from dfp.contracts.signal import Direction
from dfp.streamer.filters import MOST_SYMBOLS, Filter

StreamId = Annotated[str, Meta(pattern=r"^0-[0-9]+$", description="Id of an entry of the stream, `0-<number>`")]


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Subscription(_Document, frozen=True, kw_only=True):
    """A filter. A field that is absent restricts nothing."""

    symbols: Annotated[list[str], Meta(min_length=1, max_length=MOST_SYMBOLS)] | None = None
    strategies: Annotated[list[str], Meta(min_length=1)] | None = None
    sides: Annotated[list[Direction], Meta(min_length=1)] | None = None
    states: Annotated[list[State], Meta(min_length=1)] | None = None
    min_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.0
    alerts: bool = False

    @classmethod
    def of(cls, wanted: Filter) -> "Subscription":
        """The filter, as clients are told it."""
        return cls(
            symbols=None if wanted.symbols is None else list(wanted.symbols),
            strategies=None if wanted.strategies is None else list(wanted.strategies),
            sides=None if wanted.sides is None else list(wanted.sides),
            states=None if wanted.states is None else list(wanted.states),
            min_confidence=wanted.min_confidence,
            alerts=wanted.alerts,
        )


class Subscribe(Subscription, frozen=True, kw_only=True):
    """The one thing that a client may send: it replaces the whole filter.

    The answer is `subscribed` and a snapshot. Of several that are sent at once only the last need be answered.
    """

    type: Literal["subscribe"]


class OpportunityMessage(_Document, frozen=True, kw_only=True):
    """One revision of an opportunity; `hops` are the wall clock of each hop it took, UTC nanoseconds."""

    type: Literal["opportunity"]
    id: StreamId
    payload: Opportunity
    hops: dict[str, int]


class SnapshotMessage(_Document, frozen=True, kw_only=True):
    """The latest revision of every open opportunity that passes the filter. A client replaces all that it has.

    `reason` says why a client gets this although it asked to resume.
    """

    type: Literal["snapshot"]
    id: StreamId
    payload: list[Opportunity]
    reason: str | None = None


class Reason(_Document, frozen=True, kw_only=True):
    """Why everything is retracted, for people."""

    reason: str


class ResyncMessage(_Document, frozen=True, kw_only=True):
    """The log has lost what clients were told: all of it is retracted, and a snapshot follows."""

    type: Literal["resync"]
    id: StreamId
    payload: Reason


class Nothing(_Document, frozen=True, kw_only=True):
    """An empty object."""


class HeartbeatMessage(_Document, frozen=True, kw_only=True):
    """Sign of life each 5 s. With a filter its id moves on while nothing passes: resume from it."""

    type: Literal["heartbeat"]
    id: StreamId
    payload: Nothing


class SubscribedMessage(_Document, frozen=True, kw_only=True):
    """The filter that holds from now on; the snapshot under it comes in the same frame."""

    type: Literal["subscribed"]
    id: StreamId
    payload: Subscription


class AlertMessage(_Document, frozen=True, kw_only=True):
    """A risk alert, for those who asked for alerts. Its id is one of the stream of alerts: never resume from it."""

    type: Literal["alert"]
    id: StreamId
    payload: Alert


class Mistake(_Document, frozen=True, kw_only=True):
    """What is wrong in what a client sent."""

    field: str
    value: str | int | float | bool
    allowed: str


class ErrorMessage(_Document, frozen=True, kw_only=True):
    """The client sent something that is not allowed; nothing has changed. After ten of them it is closed with 1008."""

    type: Literal["error"]
    id: StreamId
    payload: Mistake


SERVER_MESSAGES: tuple[type[msgspec.Struct], ...] = (
    OpportunityMessage,
    SnapshotMessage,
    HeartbeatMessage,
    ResyncMessage,
    SubscribedMessage,
    AlertMessage,
    ErrorMessage,
)
"""In the order of the documentation. `decode` finds the type by its `type` field."""

_BY_TYPE = {kind.__name__.removesuffix("Message").lower(): kind for kind in SERVER_MESSAGES}


class _Head(msgspec.Struct):
    type: str


def decode(line: bytes | str) -> msgspec.Struct:
    """A message of the server, checked against its type.

    Raises:
        msgspec.ValidationError: it is none.
    """
    kind = _BY_TYPE.get(msgspec.json.decode(line, type=_Head).type)
    if kind is None:
        raise msgspec.ValidationError(f"type: expected one of {', '.join(_BY_TYPE)}")
    return msgspec.json.decode(line, type=kind)
