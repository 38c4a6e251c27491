"""Addresses of gateways."""

import pytest

from dfp.client import AsyncClient, Refused
from dfp.client.address import parse


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://localhost:8888", "ws://localhost:8888/ws/opportunities"),
        ("https://signals.example/", "wss://signals.example/ws/opportunities"),
        ("https://example.org/desk", "wss://example.org/desk/ws/opportunities"),
        ("ws://127.0.0.1:8888/ws/opportunities", "ws://127.0.0.1:8888/ws/opportunities"),
        ("wss://[::1]:8888", "wss://[::1]:8888/ws/opportunities"),
    ],
)
def test_a_gateway_has_one_address_for_both_protocols(url: str, socket: str) -> None:
    assert parse(url).socket({}) == socket
    assert parse(url).rest("/halts", {}) == socket.replace("ws", "http", 1).replace("/ws/opportunities", "/api/halts")


@pytest.mark.parametrize(
    "url", ["", "localhost:8888", "ftp://x", "http://", "http://x:0", "http://x:y", "http://a:b@x", "http://x?a=b"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        AsyncClient(url)
    assert refused.value.field == "url"
