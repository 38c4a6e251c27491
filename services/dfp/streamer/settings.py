"""Settings of the signal-streamer."""

from ipaddress import IPv4Address, IPv6Address

from pydantic import Field, field_validator

from dfp.runtime.settings import ServiceSettings
from dfp.streamer import authorize


class StreamerSettings(ServiceSettings):
    """Where the WebSocket door listens, and how patient it is."""

    http_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    http_port: int = Field(default=8100, ge=1, le=65535)
    shards: int = Field(
        default=1, ge=1, le=64, description="Processes that serve clients on the same port, each on a core of its own"
    )
    shard_of: int | None = Field(
        default=None, description="Set for a shard by the process that has started it: the id of that process"
    )
    client_buffer_bytes: int = Field(
        default=256 * 1024,
        ge=1024,
        le=16 * 1024 * 1024,
        description="Bytes that may wait for one client here, and again in the kernel; with more it is behind",
    )
    client_patience_s: float = Field(
        default=60.0, gt=0, description="How long a client that is behind may take nothing; then it is closed with 1013"
    )
    ping_s: float = Field(
        default=20.0,
        gt=0,
        le=3600,
        description="Seconds between pings, below the idle time of proxies, which is 60 s or more; a client that does "
        "not answer within the same time is cut",
    )
    drain_s: float = Field(
        default=5.0, ge=0, le=3600, description="Seconds over which many clients are closed before a restart"
    )
    authorize: str = Field(
        default="", description="package.module:function that is asked about each handshake; empty admits everyone"
    )

    @field_validator("authorize")
    @classmethod
    def _can_be_loaded(cls, text: str) -> str:
        """Load it once more than needed, so that a mistake in it is a mistake in the settings."""
        authorize.load(text)
        return text
