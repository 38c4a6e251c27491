"""Strategies: what runs, what it does, what has become of it."""

from typing import Annotated

from fastapi import FastAPI, Path, Response

from dfp.api import answers, examples
from dfp.api.context import Context, answer, missing
from dfp.api.inquiry import StageView
from dfp.api.query import STRATEGY_PATTERN
from dfp.contracts.conditions import PIPELINE, strategy_target

_STAGE = "engine/"


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers

    @app.get(
        "/strategies",
        summary="Strategies that run or have run",
        operation_id="list_strategies",
        tags=["strategies"],
        response_class=Response,
        responses=described(answers.Strategies, {"strategies": [examples.STRATEGY_VIEW]}, 503),
    )
    async def strategies() -> Response:
        """By name; counters and backlog are asked of Redis."""
        if not _heard(context):
            return context.not_yet()
        views = await context.inquiry.stages(_STAGE)
        halted = await _halted(context)
        return answer(answers.Strategies([_view(context, view, halted) for view in views]))

    @app.get(
        "/strategies/{name}",
        summary="One strategy",
        operation_id="get_strategy",
        tags=["strategies"],
        response_class=Response,
        responses=described(answers.Strategy, examples.STRATEGY_VIEW, 404, 503),
    )
    async def strategy(
        name: Annotated[str, Path(pattern=STRATEGY_PATTERN, examples=[examples.STRATEGY])],
    ) -> Response:
        """Counters and backlog are asked of Redis."""
        if not _heard(context):
            return context.not_yet()
        view = await context.inquiry.stage(_STAGE + name)
        if view is None:
            known = ", ".join(await context.inquiry.strategies()) or "none; no strategy has run yet"
            return missing("name", name, "strategy", f"one of {known}")
        return answer(_view(context, view, await _halted(context)))


def _heard(context: Context) -> bool:
    """Whether all signals were read, which tell mode, revision and last signal."""
    return context.memory.signals.complete and context.memory.shadow_signals.complete


async def _halted(context: Context) -> set[str]:
    return {halt.target for halt in await context.inquiry.halts()}


def _view(context: Context, view: StageView, halted: set[str]) -> answers.Strategy:
    name = view.stage.removeprefix(_STAGE)
    speaker = context.memory.speakers.get(name)
    return answers.Strategy(
        name=name,
        # A live strategy writes to the shadow stream only while it is halted.
        mode=None if speaker is None else "Shadow" if speaker.live is None else "Live",
        revision=None if speaker is None else speaker.revision,
        running=view.owner is not None,
        owner=view.owner,
        halted=PIPELINE in halted or strategy_target(name) in halted,
        behind=view.behind,
        counters=view.counters,
        last_signal=None if speaker is None else speaker.last,
    )
