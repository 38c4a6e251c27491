"""When a replay has drained: everything that the file holds has come out at the end."""

from collections.abc import Sequence

from redis.asyncio import Redis

from dfp.contracts.names import Names
from dfp.local.stages import StageInputs, backlog, counters
from dfp.log.extent import last_seq


async def finished(redis: Redis, names: Names) -> bool:
    """Whether the collector has committed the end of its feed."""
    return (await counters(redis, names, "collector")).get("finished", 0) > 0


async def waiting_for(redis: Redis, names: Names, stages: Sequence[StageInputs], seen: int) -> str | None:
    """What is still under way behind the collector, in words; None when everything has come through.

    Stages are asked in the order of the flow. A stage that has committed its whole input writes nothing more once its
    input is final, so each answer makes the next stage's input final, and no entry can slip past.

    Args:
        seen: sequence number of the last opportunity that the WebSocket client got.
    """
    for stage in stages:
        if behind := await backlog(redis, names, stage):
            return f"{stage.stage} has {behind:,} entries to go"
    if seen < (last := await last_seq(redis, names.opportunities)):
        return f"the client has seen {seen:,} of {last:,} opportunities"
    return None
