"""What the routes answer, beside the documents of the contracts. Times are UTC nanoseconds, prices yuan, null = absent.

Lists of documents are put together from their encoded bytes; the types here are what /openapi.json says of them.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.outcome import Outcome
from dfp.contracts.policy import Policy
from dfp.contracts.risk import Alert, Halt, Verdict
from dfp.contracts.signal import Signal

Next = Annotated[str | None, Meta(description="cursor of the next page, null when this is the last")]


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer has the fields that are listed and no other."""


class OpportunityPage(Answer, frozen=True):
    """Latest revisions. `id` of the first page is where a WebSocket client may go on: it misses nothing then."""

    id: str
    opportunities: list[Opportunity]
    next: Next


class History(Answer, frozen=True):
    """The revisions of one opportunity, oldest first; of a very old one the first may be forgotten, `rev` tells."""

    revisions: list[Opportunity]


class OutcomePage(Answer, frozen=True):
    """What became of opportunities."""

    outcomes: list[Outcome]
    next: Next


class SignalPage(Answer, frozen=True):
    """What strategies said."""

    signals: list[Signal]
    next: Next


class AlertPage(Answer, frozen=True):
    """What people should know."""

    alerts: list[Alert]
    next: Next


class Strategy(Answer, frozen=True):
    """One strategy.

    Attributes:
        mode: Live or Shadow; null, like the next two, for one that never said what it runs.
        revision: of code, parameters, universe and group together; signals carry it.
        parameters: all of them, defaults included.
        running: whether an engine holds its lease.
        halted: whether it, or the pipeline, is halted.
        behind: entries of its inputs that it has not taken yet.
        last_signal: as-of of its last signal.
    """

    name: str
    mode: str | None
    revision: str | None
    parameters: dict[str, Any] | None
    running: bool
    owner: str | None
    halted: bool
    behind: int
    counters: dict[str, int]
    last_signal: int | None


class Strategies(Answer, frozen=True):
    """Every strategy that runs or has run, by name."""

    strategies: list[Strategy]


class Halts(Answer, frozen=True):
    """Every halt that holds, by target."""

    halts: list[Halt]


class Released(Answer, frozen=True):
    """A halt has ended."""

    target: str
    released: bool


class Policies(Answer, frozen=True):
    """The risk policies that hold, and stage -> version of the policies that it goes by."""

    version: str
    policies: list[Policy]
    acknowledged: dict[str, str]


class Locks(Answer, frozen=True):
    """Verdicts that lock their target for some time."""

    locks: list[Verdict]


class Verdicts(Answer, frozen=True):
    """What the risk guard says is not Ok; what is not listed is.

    Attributes:
        fresh: whether the guard has confirmed it in the last seconds; otherwise nothing depends on it.
        fresh_until: wall time; null when no guard ever ran.
        version: of the policies that were judged by; null before the guard has said everything.
        seq: of the last feature entry that is judged.
        time: event time of the judgement.
    """

    fresh: bool
    fresh_until: int | None
    version: str | None
    seq: int
    time: int
    verdicts: list[Verdict]


class Stage(Answer, frozen=True):
    """One stage of the pipeline.

    Attributes:
        cursor: input -> number of the last entry that it is done with.
        behind: entries of its inputs that it has not taken yet.
        owner: instance that runs it; null when none does.
    """

    stage: str
    cursor: dict[str, int]
    behind: int
    counters: dict[str, int]
    owner: str | None


class Pipeline(Answer, frozen=True):
    """Every stage that runs or has run, by name."""

    stages: list[Stage]


class Version(Answer, frozen=True):
    """Which program answers, and where its ticks come from (null: not known)."""

    name: str
    version: str
    feed: str | None


encode = msgspec.json.Encoder().encode
