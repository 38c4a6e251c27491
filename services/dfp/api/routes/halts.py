"""The switch that a person throws: halt and release."""

from typing import Annotated

from fastapi import Body, FastAPI, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dfp.api import answers, examples, problem
from dfp.api.context import Context, answer
from dfp.contracts.risk import Halt

TARGET_PATTERN = r"^(pipeline|strategy/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$"
MAX_REASON = 500


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValueError(f"; expected 1 to {MAX_REASON} characters, not all blank")
    return reason


class Order(BaseModel):
    """What to halt or release, and why; the reason is shown wherever the halt is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(pattern=TARGET_PATTERN, description="`pipeline`, or `strategy/NAME` of one that has run")
    reason: Annotated[
        str,
        AfterValidator(_said),
        Field(min_length=1, max_length=MAX_REASON, json_schema_extra={"pattern": r"[^\s]"}),
    ]


_HALT = {"target": examples.HALT.target, "reason": examples.HALT.reason}
_RELEASE = {"target": examples.HALT.target, "reason": "parameter corrected"}


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers
    inquiry = context.inquiry

    @app.get(
        "/halts",
        summary="Halts that hold",
        operation_id="list_halts",
        tags=["halts"],
        response_class=Response,
        responses=described(answers.Halts, {"halts": [examples.HALT]}, 503),
    )
    async def halts() -> Response:
        """By target."""
        return answer(answers.Halts(await inquiry.halts()))

    @app.post(
        "/halts",
        summary="Halt the pipeline or a strategy",
        operation_id="create_halt",
        tags=["halts"],
        status_code=201,
        response_class=Response,
        responses={
            **described(Halt, examples.HALT, 400, 413, 503, status=201),
            200: {**described.one(Halt, examples.HALT), "description": "it is halted already: the halt that holds"},
        },
    )
    async def halt(order: Annotated[Order, Body(examples=[_HALT])]) -> Response:
        """At once, and until it is released. Nothing is lost: signals go to the shadow stream, candidates are held."""
        refused = await _check(order)
        if refused is not None:
            return refused
        held = await inquiry.halt(order.target, order.reason)
        if held is not None:
            return answer(held)
        # What was latched, as it was latched; another hand may have released it since.
        found = [one for one in await inquiry.halts() if one.target == order.target]
        return answer(found[0], 201) if found else _not_halted(order.target)

    @app.post(
        "/halts/release",
        summary="Release the pipeline or a strategy",
        operation_id="release_halt",
        tags=["halts"],
        response_class=Response,
        responses=described(answers.Released, {"target": examples.HALT.target, "released": True}, 400, 404, 413, 503),
    )
    async def release(order: Annotated[Order, Body(examples=[_RELEASE])]) -> Response:
        """What was live when the pipeline was halted is closed; the next signals open anew."""
        refused = await _check(order)
        if refused is not None:
            return refused
        if not await inquiry.release(order.target, order.reason):
            return _not_halted(order.target)
        return answer(answers.Released(order.target, released=True))

    async def _check(order: Order) -> Response | None:
        known = await inquiry.targets()
        if order.target in known:
            return None
        allowed = f"one of {', '.join(known)}" if known else "a target of a pipeline that has run; none has"
        detail = f"target: {order.target!r} is not allowed, expected {allowed}"
        return problem.problem(422, detail, [problem.Mistake("target", order.target, allowed)])


def _not_halted(target: str) -> Response:
    mistake = problem.Mistake("target", target, "a target that is halted; GET /halts lists them")
    return problem.problem(404, f"{target} is not halted", [mistake])
