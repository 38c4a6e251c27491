"""Snapshots: state is a cache that saves a re-run of the log. They are never part of a commit.

The state of 5,551 symbols is tens of megabytes; committing it each time would allow 11 commits a second, not 3,919.
It is staged in chunks, so that no single command stalls the server, and put in place by one fenced script.
"""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from dfp.log.chain import Chain
from dfp.log.script import Script

CHUNK = 256 * 1024

STORE = Script("store_snapshot")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of a stage after entry `seq` of its input."""

    seq: int
    state: bytes


async def store(redis: Redis, chain: Chain, stream: str, snapshot: Snapshot) -> bool:
    """Store it and move the stage's floor on `stream` up to it; False when the chain is no longer ours."""
    place = chain.names.snapshot(chain.stage)
    staged = f"{place}:staged"
    await redis.delete(staged)
    await redis.hset(staged, "seq", str(snapshot.seq))
    for index, start in enumerate(range(0, len(snapshot.state), CHUNK)):
        await redis.hset(staged, str(index), snapshot.state[start : start + CHUNK])
    keys = (chain.names.chain(chain.stage), staged, place, chain.names.floors(stream))
    return bool(await STORE(redis, keys, (chain.claimed_as, stream, snapshot.seq, chain.stage)))


async def load(redis: Redis, chain: Chain) -> Snapshot | None:
    """The latest snapshot, or None."""
    fields: dict[Any, Any] = await redis.hgetall(chain.names.snapshot(chain.stage))
    if not fields:
        return None
    chunks = (fields[str(index).encode()] for index in range(len(fields) - 1))
    return Snapshot(int(fields[b"seq"]), b"".join(chunks))
