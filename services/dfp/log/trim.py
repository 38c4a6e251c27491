"""Trimming: a stream keeps what its slowest live reader may still need, and never more bytes than its cap."""

from redis.asyncio import Redis

from dfp.contracts.entry import entry_id
from dfp.log.extent import last_seq

KEEP = 1_000
"""Entries that stay even when every reader is past them: people look at the end of a stream."""


async def trim(redis: Redis, stream: str, max_bytes: int, *, behind_readers: bool) -> int:
    """Trim one stream; returns how many entries went.

    Args:
        max_bytes: hard cap. Entries beyond it go even if a reader has not seen them: that reader then finds a hole,
            which is counted and alerted, instead of the server running out of memory.
        behind_readers: also drop what all registered readers (`names.floors`) are done with.
    """
    removed = 0
    last = await last_seq(redis, stream)
    if behind_readers:
        floors = [int(value) for value in await redis.hvals(f"{stream}:floors")]
        floor = min(*floors, last - KEEP) if floors else 0
        if floor > 0:
            removed += await redis.xtrim(stream, minid=entry_id(floor + 1), approximate=True)
    length = int(await redis.xlen(stream))
    used = int(await redis.memory_usage(stream, samples=10) or 0)
    if used > max_bytes and length > 1:
        keep = max(1, length * max_bytes // used)
        removed += await redis.xtrim(stream, minid=entry_id(last - keep + 1), approximate=False)
    return removed


async def post_floor(redis: Redis, stream: str, reader: str, seq: int) -> None:
    """Say that `reader` will never again read entries of `stream` up to `seq`."""
    await redis.hset(f"{stream}:floors", reader, str(seq))
