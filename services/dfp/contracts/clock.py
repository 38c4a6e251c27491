"""Entries of the log that are not ticks: its clock, and holes that were declared."""

from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document


class Clock(Document, frozen=True):
    """The log's only clock: written into each partition every second of event time and at each phase edge.

    No core reads another one, so what depends on time is replayed exactly.

    Attributes:
        time: event time, UTC nanoseconds. Every tick before this entry is earlier, every tick behind it is not.
        session: trading day, yyyymmdd.
        phase: phase that holds from `time` on (dfp.market.phases.Phase, A-share table).
        end: true on the last clock entry of a session (or of a replay that ends inside one).
    """

    time: int
    session: int
    phase: Annotated[int, Meta(ge=0, le=255)]
    end: bool = False


class Gap(Document, frozen=True):
    """A hole in the log that its writer declares: ticks that were received but cannot be re-sent.

    Attributes:
        session: trading day, yyyymmdd.
        time: event time at which the log goes on, UTC nanoseconds.
        reason: for people.
    """

    session: int
    time: int
    reason: Annotated[str, Meta(max_length=200)]
