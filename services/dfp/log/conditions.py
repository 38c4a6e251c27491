"""Reads the conditions that hold, in one step."""

from collections.abc import Sequence

from redis.asyncio import Redis

from dfp.contracts.conditions import Conditions
from dfp.contracts.names import Names
from dfp.log.script import Script

_READ = Script("conditions", "read_conditions")


async def read(redis: Redis, names: Names) -> Conditions:
    """The conditions that hold now."""
    return decode(await _READ(redis, (names.halt, names.risk_fresh_until, names.risk_policies), ()))


def decode(listed: Sequence[bytes]) -> Conditions:
    """Conditions as the scripts list them."""
    fresh, policies, halts = (value.decode() for value in listed)
    return Conditions(tuple(halts.split()), fresh == "1", policies)
