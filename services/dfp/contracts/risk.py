"""Risk documents: alerts for people, verdicts for the aggregator, halts for everyone."""

import enum
from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document
from dfp.contracts.policy import Action


class Severity(enum.StrEnum):
    """How loud an alert is."""

    INFO = "Info"
    WARNING = "Warning"
    CRITICAL = "Critical"


class Decision(enum.StrEnum):
    """What a rule says of its target. NotYet counts as Ok; Unknown counts as Breach where the action is not Alert."""

    OK = "Ok"
    BREACH = "Breach"
    NOT_YET = "NotYet"
    UNKNOWN = "Unknown"


class RiskStatus(enum.StrEnum):
    """Under which risk knowledge an opportunity was published."""

    UNCHECKED = "Unchecked"
    """No policy binds it."""
    VERIFIED = "Verified"
    UNVERIFIED = "Unverified"
    """The guard's verdicts were stale, and only policies that alert bind it."""


class Alert(Document, frozen=True):
    """Something a person should know. `value` and `threshold` are in the rule's own unit (a fraction, a count).

    Attributes:
        id: the same for the same event of the log, so that a repeat is recognised.
        rule: `POLICY/RULE`, or one of ours: RiskGuardStale, GateBypassed, Halted, Released.
        target: as in `Verdict`.
        time: event time, UTC nanoseconds.
    """

    id: str
    rule: str
    severity: Severity
    target: str
    time: int
    message: Annotated[str, Meta(max_length=500)]
    value: float | None = None
    threshold: float | None = None


class Verdict(Document, frozen=True):
    """The risk guard's word on one rule and target.

    Attributes:
        target: `symbol/600000.SH`, `strategy/NAME` or `pipeline`.
        action: the rule's.
        enforce: whether its policy acts or only watches.
        value: None while NotYet or Unknown.
        until: event time before which a lock is not lifted, 0 without a lock.
    """

    policy: str
    rule: str
    target: str
    action: Action
    enforce: bool
    decision: Decision
    value: float | None
    threshold: float
    until: int


class Verdicts(Document, frozen=True):
    """What the risk guard's table has become at one place of the log.

    Attributes:
        version: of the policy bundle that was judged by.
        seq: of the last feature entry that is judged.
        time: event time of the judgement.
        complete: whether every symbol that is not listed is Ok; otherwise it is as it was before.
        verdicts: by policy, rule and target.
    """

    version: str
    seq: int
    time: int
    complete: bool
    verdicts: list[Verdict]


class Halt(Document, frozen=True):
    """A latched stop. While it is set the target's output goes to a shadow stream, or is held.

    Attributes:
        target: `pipeline` or `strategy/NAME`.
        cause: `person`, or the rule `POLICY/RULE`.
        since: event time where a rule set it, else wall time; UTC nanoseconds.
    """

    target: str
    cause: str
    since: int
    reason: Annotated[str, Meta(max_length=500)]
