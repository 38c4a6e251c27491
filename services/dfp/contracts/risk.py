"""Risk documents: alerts for people, verdicts for the aggregator, halts for everyone."""

import enum
from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document


class Severity(enum.StrEnum):
    """How loud an alert is."""

    INFO = "Info"
    WARNING = "Warning"
    CRITICAL = "Critical"


class Decision(enum.StrEnum):
    """What a rule says of its target."""

    OK = "Ok"
    BREACH = "Breach"
    NOT_YET = "NotYet"
    UNKNOWN = "Unknown"


class Alert(Document, frozen=True):
    """Something a person should know. `value` and `threshold` are in the rule's own unit (a fraction, a count)."""

    id: str
    rule: str
    severity: Severity
    target: str
    time: int
    message: Annotated[str, Meta(max_length=500)]
    value: float | None = None
    threshold: float | None = None


class Verdict(Document, frozen=True):
    """The risk guard's word on one (rule, target), as of a sequence number of the feature stream."""

    policy: str
    rule: str
    target: str
    decision: Decision
    value: float | None
    threshold: float
    as_of_seq: int
    time: int


class Halt(Document, frozen=True):
    """A latched stop. While it is set, a commit by the target is refused and its output goes to the shadow stream."""

    target: str
    cause: str
    since: int
    reason: Annotated[str, Meta(max_length=500)]
