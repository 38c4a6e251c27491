"""The policy bundle on Redis: who knows the policies writes it, who goes by it says so."""

from typing import Any

from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.names import Names
from dfp.contracts.policy import NO_POLICIES, Bundle, decode


async def write(redis: Redis, names: Names, bundle: Bundle) -> None:
    """Let a bundle hold from now on. Stages take it within a second, and decide nothing by the old one from now on."""
    if bundle == NO_POLICIES:
        await redis.delete(names.risk_policies)
        return
    await redis.hset(names.risk_policies, mapping={"version": bundle.version, "bundle": codec.encode(bundle).decode()})


async def read(redis: Redis, names: Names) -> Bundle:
    """The bundle that holds, `NO_POLICIES` when nobody has written one.

    Raises:
        ContractError: what is there is no bundle.
    """
    data: Any = await redis.hget(names.risk_policies, "bundle")
    return NO_POLICIES if data is None else decode(data)


async def acknowledge(redis: Redis, names: Names, stage: str, version: str) -> None:
    """Say that a stage goes by a bundle."""
    await redis.hset(names.risk_acknowledged, stage, version)


async def acknowledged(redis: Redis, names: Names) -> dict[str, str]:
    """Stage -> version of the bundle that it goes by."""
    found: dict[Any, Any] = await redis.hgetall(names.risk_acknowledged)
    return {stage.decode(): version.decode() for stage, version in found.items()}
