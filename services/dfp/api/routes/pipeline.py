"""The pipeline: where the log's clock stands, and how far each stage is."""

from fastapi import FastAPI, Response

from dfp.api import answers, examples
from dfp.api.context import Context, answer
from dfp.api.market_answers import Edge, MarketView
from dfp.contracts.clock import Clock
from dfp.market.phases import Phase, phase_edges

_PHASES = {int(phase): phase.name for phase in Phase}


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers
    memory = context.memory

    @app.get(
        "/market",
        summary="Session, phase and event time",
        operation_id="get_market",
        tags=["pipeline"],
        response_class=Response,
        responses=described(MarketView, market_view(examples.CLOCK), 503),
    )
    async def market() -> Response:
        """By the log's own clock, which is that of the past in a replay."""
        if not memory.market.complete:
            return context.not_yet()
        return answer(market_view(memory.market.clock))

    @app.get(
        "/pipeline",
        summary="Every stage: cursor, backlog, counters, owner",
        operation_id="get_pipeline",
        tags=["pipeline"],
        response_class=Response,
        responses=described(answers.Pipeline, {"stages": [examples.STAGE]}, 503),
    )
    async def pipeline() -> Response:
        """Asked of Redis. Counters ride in commits, so they are exact over crashes."""
        return answer({"stages": await context.inquiry.stages()})


def market_view(clock: Clock | None) -> MarketView:
    """What a clock entry says."""
    if clock is None:
        return MarketView(session=None, phase=None, time=None, next=None, ended=False)
    try:
        edges = phase_edges(clock.session)
    except ValueError:  # no date; the writer's mistake, not the reader's
        edges = []
    coming = next((Edge(time, phase.name) for time, phase in edges if time > clock.time), None)
    return MarketView(clock.session, _PHASES.get(clock.phase), clock.time, coming, clock.end)
