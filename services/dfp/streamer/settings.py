"""Settings of the signal-streamer."""

from ipaddress import IPv4Address, IPv6Address

from pydantic import Field

from dfp.runtime.settings import ServiceSettings


class StreamerSettings(ServiceSettings):
    """Where the WebSocket door listens, and how patient it is."""

    http_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    http_port: int = Field(default=8100, ge=1, le=65535)
    client_buffer_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="Bytes that may wait for one client; beyond them it is too slow, is closed with 1013 and resumes",
    )
