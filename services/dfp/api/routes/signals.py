"""What strategies said."""

from typing import Annotated, ClassVar

from fastapi import FastAPI, Query, Response
from pydantic import Field

from dfp.api import answers, examples
from dfp.api.context import Context, listed
from dfp.api.memory import SignalKey
from dfp.api.query import SINCE, UNTIL, Page, Strategy, Symbol, Time, Truth, between, cursor_of
from dfp.api.recent import Item
from dfp.contracts.signal import Direction


class SignalQuery(Page):
    """Which signals are wanted."""

    COLLECTION: ClassVar[str] = "signals"

    cursor: str | None = cursor_of("signals")
    symbol: Symbol | None = None
    strategy: Strategy | None = None
    direction: Direction | None = None
    since: Time | None = SINCE
    until: Time | None = UNTIL
    shadow: Truth = Field(default=False, description="those of shadow and of halted strategies, instead of live ones")

    def passes(self, item: Item[SignalKey]) -> bool:
        """Whether it is wanted."""
        key = item.key
        return (
            (self.symbol is None or key.symbol == self.symbol)
            and (self.strategy is None or key.strategy == self.strategy)
            and (self.direction is None or key.direction is self.direction)
            and between(key.as_of, self.since, self.until)
        )


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""

    @app.get(
        "/signals",
        summary="Signals of strategies, newest first",
        operation_id="list_signals",
        tags=["signals"],
        response_class=Response,
        responses=context.answers(answers.SignalPage, {"signals": [examples.SIGNAL], "next": None}, 503),
    )
    async def signals(wanted: Annotated[SignalQuery, Query()]) -> Response:
        """The last 15,000 live ones are remembered, and as many shadow ones."""
        store = context.memory.shadow_signals if wanted.shadow else context.memory.signals
        if not store.complete:
            return context.not_yet()
        found, following = wanted.take(store.newest_first(), wanted.passes)
        return listed(wanted.COLLECTION, (item.payload for item in found), following)
