"""Symbols: last ticks, features, and one-minute bars."""

from typing import Annotated

from fastapi import FastAPI, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from dfp.api import examples
from dfp.api import market_answers as answers
from dfp.api.context import Context, answer, missing
from dfp.api.query import Limit, Symbol

Name = Annotated[Symbol, Path(alias="symbol", examples=[examples.SYMBOL])]

SEEN = "a symbol that had a tick; GET /symbols lists them"

_BAR = {
    "time": examples.AT - examples.AT % examples.MINUTE_NS, "open": 87.3, "high": 87.3, "low": 87.3, "close": 87.3,
    "volume": 1200, "turnover": 104760.0,
}  # fmt: skip


class Newest(BaseModel):
    """How many are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 100


def install(app: FastAPI, context: Context) -> None:
    """Add the routes."""
    described = context.answers
    market = context.memory.market

    @app.get(
        "/symbols",
        summary="The last tick of every symbol",
        operation_id="list_symbols",
        tags=["symbols"],
        response_class=Response,
        responses=described(answers.Symbols, {"symbols": [examples.QUOTE]}, 503),
    )
    async def symbols() -> Response:
        """By symbol; of up to 8,192."""
        if not market.complete:
            return context.not_yet()
        return answer({"symbols": market.listed()})

    @app.get(
        "/symbols/{symbol}",
        summary="The last tick of a symbol, with its features",
        operation_id="get_symbol",
        tags=["symbols"],
        response_class=Response,
        responses=described(
            answers.SymbolView,
            {"symbol": examples.SYMBOL, "tick": examples.TICK, "features": examples.FEATURES},
            404,
            503,
        ),
    )
    async def symbol(name: Name) -> Response:
        """Features are null on ticks that are not fit: auctions, pauses, and what cleaning has flagged."""
        if not market.complete:
            return context.not_yet()
        row = market.row(name)
        if row is None:
            return missing("symbol", name, "tick of", SEEN)
        (tick,) = market.last_ticks(row, 1)
        return answer({"symbol": name, "tick": tick, "features": market.ticks.features_of(row)})

    @app.get(
        "/symbols/{symbol}/ticks",
        summary="The last ticks of a symbol, newest first",
        operation_id="list_ticks",
        tags=["symbols"],
        response_class=Response,
        responses=described(answers.Ticks, {"symbol": examples.SYMBOL, "ticks": [examples.TICK]}, 404, 503),
    )
    async def ticks(name: Name, wanted: Annotated[Newest, Query()]) -> Response:
        """64 are remembered, from the start of this process on."""
        if not market.complete:
            return context.not_yet()
        row = market.row(name)
        if row is None:
            return missing("symbol", name, "tick of", SEEN)
        return answer({"symbol": name, "ticks": market.last_ticks(row, wanted.limit)})

    @app.get(
        "/symbols/{symbol}/bars",
        summary="One-minute bars of a symbol, newest first",
        operation_id="list_bars",
        tags=["symbols"],
        response_class=Response,
        responses=described(answers.Bars, {"symbol": examples.SYMBOL, "bars": [_BAR]}, 404, 503),
    )
    async def bars(name: Name, wanted: Annotated[Newest, Query()]) -> Response:
        """A session's 242 are remembered, from the start of this process on. Only fit ticks of real trades count."""
        if not market.complete:
            return context.not_yet()
        row = market.row(name)
        if row is None:
            return missing("symbol", name, "tick of", SEEN)
        return answer({"symbol": name, "bars": market.last_bars(row, wanted.limit)})
