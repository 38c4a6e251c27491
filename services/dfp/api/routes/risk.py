"""Risk: the policies that hold, what the guard says, and what people should know."""

from typing import Annotated, ClassVar

from fastapi import FastAPI, Query, Response
from pydantic import Field

from dfp.api import answers, examples
from dfp.api.context import Context, answer, listed
from dfp.api.memory import AlertKey
from dfp.api.query import Page, cursor_of
from dfp.api.recent import Item
from dfp.contracts.risk import Severity

_ACKNOWLEDGED = {"aggregator": examples.POLICIES.version, "risk-guard": examples.POLICIES.version}


class AlertQuery(Page):
    """Which alerts are wanted."""

    COLLECTION: ClassVar[str] = "alerts"

    cursor: str | None = cursor_of("alerts")
    severity: Severity | None = None
    rule: str | None = Field(default=None, min_length=1, max_length=200, description="`POLICY/RULE`, or `Halted` …")
    target: str | None = Field(
        default=None, min_length=1, max_length=300, description="`pipeline`, `strategy/NAME` or `symbol/600000.SH`"
    )

    def passes(self, item: Item[AlertKey]) -> bool:
        """Whether it is wanted."""
        key = item.key
        return (
            (self.severity is None or key.severity == self.severity)
            and (self.rule is None or key.rule == self.rule)
            and (self.target is None or key.target == self.target)
        )


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers
    alerts, verdicts = context.memory.alerts, context.memory.verdicts

    @app.get(
        "/risk/policies",
        summary="Risk policies that hold",
        operation_id="get_risk_policies",
        tags=["risk"],
        response_class=Response,
        responses=described(
            answers.Policies,
            answers.Policies(examples.POLICIES.version, examples.POLICIES.policies, _ACKNOWLEDGED),
            503,
        ),
    )
    async def policies() -> Response:
        """And by which version each stage goes: a new one holds at once, and is judged by when the guard has it."""
        bundle, acknowledged = await context.inquiry.policies()
        return answer(answers.Policies(bundle.version, bundle.policies, acknowledged))

    @app.get(
        "/risk/alerts",
        summary="Alerts, newest first",
        operation_id="list_risk_alerts",
        tags=["risk"],
        response_class=Response,
        responses=described(answers.AlertPage, {"alerts": [examples.ALERT], "next": None}, 503),
    )
    async def all_alerts(wanted: Annotated[AlertQuery, Query()]) -> Response:
        """The last 10,000 are remembered."""
        if not alerts.complete:
            return context.not_yet()
        found, following = wanted.take(alerts.newest_first(), wanted.passes)
        return listed(wanted.COLLECTION, (item.payload for item in found), following)

    @app.get(
        "/risk/locks",
        summary="Verdicts that lock their target",
        operation_id="list_risk_locks",
        tags=["risk"],
        response_class=Response,
        responses=described(answers.Locks, {"locks": [examples.VERDICT]}, 503),
    )
    async def locks() -> Response:
        """A lock is not lifted before event time `until`."""
        if not verdicts.complete:
            return context.not_yet()
        return answer(answers.Locks([verdict for verdict in verdicts.all() if verdict.until > 0]))

    @app.get(
        "/risk/verdicts",
        summary="What the risk guard says is not Ok",
        operation_id="get_risk_verdicts",
        tags=["risk"],
        response_class=Response,
        responses=described(
            answers.Verdicts,
            answers.Verdicts(
                fresh=True,
                fresh_until=examples.AT + 3_000_000_000,
                version=examples.POLICIES.version,
                seq=1,
                time=examples.AT,
                verdicts=[examples.VERDICT],
            ),
            503,
        ),
    )
    async def all_verdicts() -> Response:
        """What is not listed is Ok. While it is not fresh, nothing that depends on it is published."""
        if not verdicts.complete:
            return context.not_yet()
        fresh, until = await context.inquiry.freshness()
        told = verdicts
        return answer(answers.Verdicts(fresh, until, told.version, told.seq, told.time, told.all()))
