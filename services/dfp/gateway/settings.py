"""Settings of the gateway."""

import ssl
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

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
    streamer_health_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Health port of every signal-streamer; without it only failing handshakes take one out of use",
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM file of the certificate and its chain; without it the door speaks plain HTTP"
    )
    tls_key: Path | None = Field(
        default=None, validate_default=True, description="PEM file of the certificate's private key"
    )
    access_log: bool = Field(default=False, description="One JSON line on stdout for each request")

    @field_validator("tls_certificate")
    @classmethod
    def _can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            try:
                path.read_bytes()
            except OSError as error:
                raise ValueError(f"expected a PEM file that can be read: {error.strerror}") from None
        return path

    @field_validator("tls_key")
    @classmethod
    def _fits_the_certificate(cls, path: Path | None, others: ValidationInfo) -> Path | None:
        """Load both once, so that a pair that does not fit is a mistake in the settings, not a handshake that fails."""
        if "tls_certificate" not in others.data:
            return path  # refused already
        certificate = others.data["tls_certificate"]
        if (path is None) != (certificate is None):
            raise ValueError("expected DFP_TLS_CERTIFICATE and DFP_TLS_KEY to be set both or neither")
        if path is not None:
            try:
                # A key with a password would otherwise ask for it on the terminal.
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, path, password=lambda: b"")
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"expected a PEM file without password that holds the private key of {certificate}: {error}"
                ) from None
        return path
