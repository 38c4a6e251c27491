"""The REST application: routes, filters, bytes. It talks to nothing; memory and probes are handed in."""

from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Annotated

import msgspec
from fastapi import FastAPI, Path, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dfp.api import problem
from dfp.api.store import Revision, Store
from dfp.contracts.entry import entry_id
from dfp.contracts.opportunity import State
from dfp.contracts.signal import Direction
from dfp.market import symbols
from dfp.runtime.probes import Health

JSON = "application/json"


class Filter(BaseModel):
    """Which opportunities are wanted. Several filters are combined with "and"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[
        str | None, AfterValidator(lambda text: text and symbols.normalize(text)), Field(description="600000.SH")
    ] = None
    state: State | None = None
    side: Direction | None = None
    min_confidence: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False, description="at the revision's as-of")
    limit: int = Field(default=100, ge=1, le=1000)

    def select(self, store: Store) -> Iterator[Revision]:
        """What passes, newest revision first."""
        return islice(filter(self._passes, store.newest_first()), self.limit)

    def _passes(self, revision: Revision) -> bool:
        found = revision.opportunity
        return (
            (self.symbol is None or found.symbol == self.symbol)
            and (self.state is None or found.state is self.state)
            and (self.side is None or found.side is self.side)
            and found.confidence >= self.min_confidence
        )


class Version(msgspec.Struct, frozen=True):
    """Which program answers, and where its ticks come from (None: not known)."""

    name: str
    version: str
    feed: str | None


def create_app(store: Store, health: Health, version: str, feed_name: Callable[[], Awaitable[str | None]]) -> FastAPI:
    """The application.

    Args:
        feed_name: gives the name of the feed behind the pipeline, so that replayed or synthetic data is never
            mistaken for the market.
    """
    # The interactive pages load scripts from outside; this service must work on a machine without internet.
    app = FastAPI(title="dongfengpo signal-api", version=version, docs_url=None, redoc_url=None)
    problem.install(app)

    @app.get("/opportunities")
    async def opportunities(wanted: Annotated[Filter, Query()]) -> Response:
        """Latest revision of each opportunity, newest first. `id` is where a WebSocket client may go on from."""
        if not store.complete:
            return _not_yet(health)
        items = b",".join(revision.payload for revision in wanted.select(store))
        head = b'{"id":"%b","opportunities":[' % entry_id(store.seq).encode()
        return Response(head + items + b"]}", media_type=JSON)

    @app.get("/opportunities/{identifier}")
    async def opportunity(identifier: Annotated[str, Path(max_length=64)]) -> Response:
        """Latest revision of one opportunity."""
        if not store.complete:
            return _not_yet(health)
        revision = store.get(identifier)
        if revision is None:
            wrong = problem.Mistake("identifier", identifier, "the id of an opportunity that is still remembered")
            return problem.problem(404, f"no opportunity {identifier!r}", [wrong])
        return Response(revision.payload, media_type=JSON)

    @app.get("/health/live")
    async def live() -> Response:
        """Whether the service's loop turns."""
        return Response(f"{health.state}\n", 200 if health.live() else 503, media_type="text/plain")

    @app.get("/health/ready")
    async def ready() -> Response:
        """Whether the service has caught up with the log."""
        return Response(f"{health.state}\n", 200 if health.ready else 503, media_type="text/plain")

    @app.get("/version")
    async def about() -> Response:
        """Program, version and feed."""
        return Response(msgspec.json.encode(Version("dongfengpo", version, await feed_name())), media_type=JSON)

    return app


def _not_yet(health: Health) -> Response:
    detail = f"the log is still being read ({health.state}); try again in a moment"
    return problem.problem(503, detail, headers={"Retry-After": "1"})
