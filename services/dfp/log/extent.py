"""How far a stream goes, and how far its readers are; each is asked in one step, as a stream may vanish between two."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dfp.contracts.entry import sequence
from dfp.log.script import Script

_LAST_ID = Script("last_id")


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group, which marks how far a reader is.

    Attributes:
        name: of the reader.
        seq: of the last entry that the reader is done with.
        lag: entries behind that one, 0 when the server does not know.
    """

    name: str
    seq: int
    lag: int


async def last_id(redis: Redis, stream: str) -> bytes | None:
    """The newest id that the stream ever had; None for a stream that does not exist.

    XINFO STREAM itself would send the first and the last entry along, up to 370 KB.
    """
    found: bytes | None = await _LAST_ID(redis, (stream,), ())
    return found


async def last_seq(redis: Redis, stream: str) -> int:
    """The newest sequence number that the stream ever had, 0 for a stream that does not exist.

    Raises:
        ContractError: the entries were not made by us.
    """
    found = await last_id(redis, stream)
    return 0 if found is None else sequence(found)


async def groups(redis: Redis, stream: str) -> list[Group]:
    """The stream's readers; none for a stream that does not exist.

    Raises:
        ContractError: the entries were not made by us.
    """
    try:
        found: Any = await redis.xinfo_groups(stream)
    except ResponseError as error:
        if "no such key" in str(error):
            return []
        raise
    return [
        Group(group["name"].decode(), sequence(group["last-delivered-id"]), int(group["lag"] or 0)) for group in found
    ]
