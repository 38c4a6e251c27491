"""The checker: which invariants of the chain do the streams of a server violate? (consistency.md, I1 to I4)"""

from collections.abc import Sequence

from redis.asyncio import Redis

from dfp.contracts.entry import Entry, from_fields
from running_total import totals


async def entries(redis: Redis, stream: str) -> list[Entry]:
    """All of a stream, page by page: at once, a long one takes a busy server longer than a client waits."""
    found: list[Entry] = []
    after = b"-"
    while page := await redis.xrange(stream, after, count=1_000):
        found += [from_fields(identifier, fields) for identifier, fields in page]
        after = b"(" + page[-1][0]
    return found


async def violations(redis: Redis, log: str, out: str, acknowledged: Sequence[int]) -> set[str]:
    """Names of violated invariants.

    Args:
        log: stream of integers that a source wrote.
        out: what `RunningTotal` made of it.
        acknowledged: values that the source knows to be committed; each was sent once.
    """
    found = set()
    written = [int(entry.payload) for entry in await entries(redis, log)]
    if sorted(written) != sorted(set(written)) or not set(acknowledged) <= set(written):
        found.add("I1")
    made = await entries(redis, out)
    for stream in (await entries(redis, log), made):
        if [entry.seq for entry in stream] != list(range(1, len(stream) + 1)):
            found.add("I2")
    if [entry.payload for entry in made] != totals(written)[: len(made)]:
        found.add("I4")
    return found
