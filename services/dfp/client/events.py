"""What a follower is told, in types."""

from typing import TypeAlias

import msgspec

from dfp.client.filter import Filter
from dfp.contracts import risk
from dfp.contracts.opportunity import Opportunity


class Connected(msgspec.Struct, frozen=True):
    """A connection stands; `last_id` is what it resumes behind, None when a snapshot comes first."""

    last_id: str | None


class Lost(msgspec.Struct, frozen=True):
    """A connection was lost, or could not be made; the next is tried in `pause_s` seconds."""

    reason: str
    pause_s: float


class Snapshot(msgspec.Struct, frozen=True):
    """The latest revisions of all open opportunities that pass, as of `id`: they replace what was told before.

    Attributes:
        reason: why it comes although revisions would do; None when it was asked for.
    """

    id: str
    opportunities: list[Opportunity]
    reason: str | None


class Revision(msgspec.Struct, frozen=True):
    """One revision; each comes once, and those of an opportunity in their order.

    Attributes:
        hops: hop -> its wall clock, UTC nanoseconds.
        received: wall clock at its receipt here, UTC nanoseconds.
    """

    id: str
    opportunity: Opportunity
    hops: dict[str, int]
    received: int


class Resync(msgspec.Struct, frozen=True):
    """The log has lost what was told: all of it is retracted. A snapshot follows."""

    id: str
    reason: str


class Heartbeat(msgspec.Struct, frozen=True):
    """A sign of life: everything up to `id` was told."""

    id: str


class Subscribed(msgspec.Struct, frozen=True):
    """Another filter holds from here on. A snapshot under it follows."""

    id: str
    filter: Filter


class NotSubscribed(msgspec.Struct, frozen=True):
    """A question on the open socket was refused; the filter is as it was."""

    field: str
    value: object
    allowed: str


class RiskAlert(msgspec.Struct, frozen=True):
    """An alert of risk; `id` is its place among the alerts."""

    id: str
    alert: risk.Alert


Event: TypeAlias = Connected | Lost | Snapshot | Revision | Resync | Heartbeat | Subscribed | NotSubscribed | RiskAlert
