"""Strategies: what runs, what it does, what has become of it."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import FastAPI, Path, Response

from dfp.api import answers, examples
from dfp.api.context import Context, answer, missing
from dfp.api.inquiry import StageView
from dfp.api.query import STRATEGY_PATTERN
from dfp.contracts.conditions import PIPELINE, strategy_target
from dfp.contracts.running_strategy import RunningStrategy

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
        told, halted = await context.inquiry.running(), await _halted(context)
        return answer(answers.Strategies([_view(context, view, told, halted) for view in views]))

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
        return answer(_view(context, view, await context.inquiry.running(), await _halted(context)))


def _heard(context: Context) -> bool:
    """Whether all signals were read."""
    return context.memory.signals.complete and context.memory.shadow_signals.complete


async def _halted(context: Context) -> set[str]:
    return {halt.target for halt in await context.inquiry.halts()}


def _view(context: Context, view: StageView, told: Mapping[str, RunningStrategy], halted: set[str]) -> answers.Strategy:
    name = view.stage.removeprefix(_STAGE)
    running = told.get(name)
    return answers.Strategy(
        name=name,
        mode=None if running is None else running.mode,
        revision=None if running is None else running.revision,
        parameters=None if running is None else running.parameters,
        running=view.owner is not None,
        owner=view.owner,
        halted=PIPELINE in halted or strategy_target(name) in halted,
        behind=view.behind,
        counters=view.counters,
        last_signal=context.memory.last_signal_of(name),
    )
