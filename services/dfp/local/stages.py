"""How the stages of a pipeline hang together, and what their chains say of their progress."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from dfp.contracts.names import Names
from dfp.log.extent import last_seq

AGGREGATOR, RISK_GUARD = "aggregator", "risk-guard"
"""Names of the stages that go by risk policies, and of their processes."""


@dataclass(frozen=True, slots=True)
class StageInputs:
    """A stage by its name, the process that runs it, and the full names of the streams that it reads."""

    stage: str
    process: str
    inputs: tuple[str, ...]


def stages(names: Names, strategies: Iterable[str], *, guarded: bool) -> list[StageInputs]:
    """Every stage behind the collector, in the order in which entries pass them.

    Args:
        guarded: whether there is a risk guard.
    """
    guard = StageInputs(RISK_GUARD, RISK_GUARD, (names.features,))
    audit = StageInputs("risk-audit", RISK_GUARD, (names.risk_verdicts, names.opportunities, names.features))
    return [
        StageInputs("features", "features", (names.clean_ticks,)),
        *(StageInputs(f"engine/{name}", f"engine-{name}", (names.features,)) for name in strategies),
        *([guard] if guarded else []),
        StageInputs(AGGREGATOR, AGGREGATOR, (names.features, names.signals, names.risk_verdicts)),
        *([audit] if guarded else []),
    ]


async def counters(redis: Redis, names: Names, stage: str) -> dict[str, int]:
    """A stage's counters."""
    fields: dict[Any, Any] = await redis.hgetall(names.counts(stage))
    return {name.decode(): int(value) for name, value in fields.items()}


async def backlog(redis: Redis, names: Names, stage: StageInputs) -> int:
    """Entries that the stage has not committed yet. Its chain is read before its inputs, so it is never too low."""
    cursors = await redis.hmget(names.chain(stage.stage), [f"in:{stream}" for stream in stage.inputs])
    behind = 0
    for stream, cursor in zip(stage.inputs, cursors, strict=True):
        behind += await last_seq(redis, stream) - int(cursor or 0)
    return behind
