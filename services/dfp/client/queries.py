"""Filters of lists, as keyword arguments and as the query of a request."""

from collections.abc import Mapping
from typing import TypedDict

from dfp.contracts.opportunity import State
from dfp.contracts.risk import Severity
from dfp.contracts.signal import Direction


class OpportunityQuery(TypedDict, total=False):
    """Restrictions of `opportunities`; times are of the latest revision, UTC nanoseconds."""

    symbol: str
    state: State | str
    side: Direction | str
    min_confidence: float
    strategy: str
    since: int
    until: int


class SignalQuery(TypedDict, total=False):
    """Restrictions of `signals`; times are as-ofs, UTC nanoseconds."""

    symbol: str
    strategy: str
    direction: Direction | str
    since: int
    until: int


class AlertQuery(TypedDict, total=False):
    """Restrictions of `alerts`; `target` is `pipeline`, `strategy/NAME` or `symbol/600000.SH`."""

    severity: Severity | str
    rule: str
    target: str


def as_query(restrictions: Mapping[str, object]) -> dict[str, str]:
    """The query of a request; what is None restricts nothing."""
    return {name: str(value) for name, value in restrictions.items() if value is not None}
