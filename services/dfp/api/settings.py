"""Settings of the signal-api."""

from ipaddress import IPv4Address, IPv6Address

from pydantic import Field

from dfp.runtime.settings import ServiceSettings


class ApiSettings(ServiceSettings):
    """Where the REST door listens."""

    http_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    http_port: int = Field(default=8000, ge=1, le=65535)
