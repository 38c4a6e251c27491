"""Opportunities, their histories and what became of them."""

from typing import Annotated, ClassVar

from fastapi import FastAPI, Path, Query, Response
from pydantic import Field

from dfp.api import answers, examples
from dfp.api.context import Context, listed, missing
from dfp.api.described import JSON
from dfp.api.memory import OutcomeKey
from dfp.api.query import SINCE, UNTIL, Page, Strategy, Symbol, Time, between, cursor_of
from dfp.api.recent import Item
from dfp.api.store import Revision
from dfp.contracts.entry import entry_id
from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.outcome import Outcome
from dfp.contracts.signal import Direction

Id = Annotated[str, Path(alias="id", min_length=1, max_length=64, examples=[examples.OPPORTUNITY.id])]

REMEMBERED = "the id of an opportunity that is still remembered"


class OpportunityQuery(Page):
    """Which opportunities are wanted."""

    COLLECTION: ClassVar[str] = "opportunities"

    cursor: str | None = cursor_of("opportunities")
    symbol: Symbol | None = None
    state: State | None = None
    side: Direction | None = None
    min_confidence: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False, description="at the revision's as-of")
    strategy: Strategy | None = Field(default=None, description="one of its members; the members of a closed one left")
    since: Time | None = SINCE
    until: Time | None = UNTIL

    def passes(self, revision: Revision) -> bool:
        """Whether it is wanted."""
        found = revision.opportunity
        return (
            (self.symbol is None or found.symbol == self.symbol)
            and (self.state is None or found.state is self.state)
            and (self.side is None or found.side is self.side)
            and found.confidence >= self.min_confidence
            and (self.strategy is None or any(member.strategy == self.strategy for member in found.members))
            and between(found.as_of, self.since, self.until)
        )


class OutcomeQuery(Page):
    """Which outcomes are wanted."""

    COLLECTION: ClassVar[str] = "outcomes"

    cursor: str | None = cursor_of("outcomes")
    symbol: Symbol | None = None
    strategy: Strategy | None = Field(default=None, description="a member of the first revision")

    def passes(self, item: Item[OutcomeKey]) -> bool:
        """Whether it is wanted."""
        key = item.key
        return (self.symbol is None or key.symbol == self.symbol) and (
            self.strategy is None or self.strategy in key.strategies
        )


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers
    store, outcomes = context.memory.opportunities, context.memory.outcomes

    @app.get(
        "/opportunities",
        summary="Opportunities, latest revision of each, newest first",
        operation_id="list_opportunities",
        tags=["opportunities"],
        response_class=Response,
        responses=described(
            answers.OpportunityPage, {"id": "0-2", "opportunities": [examples.CLOSED], "next": None}, 503
        ),
    )
    async def opportunities(wanted: Annotated[OpportunityQuery, Query()]) -> Response:
        """One that is revised moves to the front; `id` of the first page is where a WebSocket client may go on."""
        if not store.complete:
            return context.not_yet()
        found, following = wanted.take(store.newest_first(), wanted.passes)
        head = b'"id":"%b",' % entry_id(store.seq).encode()
        return listed(wanted.COLLECTION, (revision.payload for revision in found), following, head)

    @app.get(
        "/opportunities/{id}",
        summary="One opportunity, latest revision",
        operation_id="get_opportunity",
        tags=["opportunities"],
        response_class=Response,
        responses=described(Opportunity, examples.CLOSED, 404, 503),
    )
    async def opportunity(identifier: Id) -> Response:
        """All open ones are remembered, and the last 10,000 closed ones."""
        if not store.complete:
            return context.not_yet()
        revision = store.get(identifier)
        if revision is None:
            return missing("id", identifier, "opportunity", REMEMBERED)
        return Response(revision.payload, media_type=JSON)

    @app.get(
        "/opportunities/{id}/history",
        summary="Every revision of one opportunity, oldest first",
        operation_id="get_opportunity_history",
        tags=["opportunities"],
        response_class=Response,
        responses=described(answers.History, {"revisions": [examples.OPPORTUNITY, examples.CLOSED]}, 404, 503),
    )
    async def history(identifier: Id) -> Response:
        """The last 20,000 revisions are remembered."""
        if not store.complete:
            return context.not_yet()
        revisions = store.revisions.of(identifier)
        if not revisions:
            return missing("id", identifier, "opportunity", REMEMBERED)
        return Response(b'{"revisions":[%b]}' % b",".join(revisions), media_type=JSON)

    @app.get(
        "/opportunities/{id}/outcome",
        summary="What became of one opportunity",
        operation_id="get_outcome",
        tags=["opportunities"],
        response_class=Response,
        responses=described(Outcome, examples.OUTCOME, 404, 503),
    )
    async def outcome(identifier: Id) -> Response:
        """Known when it is closed and the horizon of its opening signal, or the session, is over; 404 until then."""
        if not (outcomes.complete and store.complete):
            return context.not_yet()
        found = outcomes.get(identifier)
        if found is None:
            state = "whose horizon is over" if store.get(identifier) else "that is still remembered"
            return missing("id", identifier, "outcome of", f"the id of an opportunity {state}")
        return Response(found, media_type=JSON)

    @app.get(
        "/outcomes",
        summary="Outcomes, newest first",
        operation_id="list_outcomes",
        tags=["opportunities"],
        response_class=Response,
        responses=described(answers.OutcomePage, {"outcomes": [examples.OUTCOME], "next": None}, 503),
    )
    async def all_outcomes(wanted: Annotated[OutcomeQuery, Query()]) -> Response:
        """The last 10,000 are remembered."""
        if not outcomes.complete:
            return context.not_yet()
        found, following = wanted.take(outcomes.newest_first(), wanted.passes)
        return listed(wanted.COLLECTION, (item.payload for item in found), following)
