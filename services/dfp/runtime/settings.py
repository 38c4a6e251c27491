"""Settings come from the environment and nowhere else: no arguments (they show in `ps`), no files of our own."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from dfp.contracts.names import Names


class ServiceSettings(BaseSettings):
    """What every service reads from `DFP_*` variables. A service's own settings class adds to it."""

    model_config = SettingsConfigDict(env_prefix="DFP_", extra="ignore", frozen=True)

    redis_url: str = Field(
        default="redis://127.0.0.1:6379",
        pattern=r"^(rediss?|unix)://.+",
        description="Redis 7.0 or later, or Valkey: redis://, rediss:// or unix://",
    )
    stream_prefix: str = Field(
        default="dfp",
        pattern=r"^[a-z][a-z0-9_-]{0,40}$",
        description="First part of every stream and key name",
    )
    instance: str = Field(
        default="local",
        min_length=1,
        max_length=120,
        description="Stable identity of this process; a restart under the same identity takes its lease over at once",
    )
    health_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    health_port: int = Field(default=9100, ge=1, le=65535)
    log_format: str = Field(default="json", pattern=r"^(json|console)$")

    @property
    def names(self) -> Names:
        """Names of the pipeline's streams and keys."""
        return Names(self.stream_prefix)


class ReferenceSettings(ServiceSettings):
    """What services read that ask for facts of a day: previous closes, limits, ST flags, sectors, daily bars."""

    reference_data: list[Path] = Field(
        default=[], description="Files of reference data as a JSON list, see docs/reference_data.md; the last one wins"
    )
