"""Settings of the gateway."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import Field

from dfp.runtime.settings import ServiceSettings

Upstream = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")]


class GatewaySettings(ServiceSettings):
    """Where people come in, and who is behind."""

    http_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    http_port: int = Field(default=8888, ge=1, le=65535)
    api_upstreams: list[Upstream] = Field(
        default=["127.0.0.1:8000"], min_length=1, description="JSON list of host:port of the signal-api"
    )
    streamer_upstreams: list[Upstream] = Field(
        default=["127.0.0.1:8100"], min_length=1, description="JSON list of host:port of the signal-streamer"
    )
