"""Where a pipeline's gateway is."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from dfp.client.errors import mistaken

SOCKET_PATH = "/ws/opportunities"
ALLOWED = "http:// or https:// with the host of a gateway, such as http://localhost:8888"

_SECURE = {"http": False, "ws": False, "https": True, "wss": True}


@dataclass(frozen=True, slots=True)
class Address:
    """A gateway: host and port, the path before its own if a proxy added one, and whether by TLS."""

    secure: bool
    host: str
    path: str

    def rest(self, path: str, query: Mapping[str, str]) -> str:
        """URL of a REST resource."""
        return self._url("http", f"/api{path}", query)

    def socket(self, query: Mapping[str, str]) -> str:
        """URL of the WebSocket."""
        return self._url("ws", SOCKET_PATH, query)

    def _url(self, scheme: str, path: str, query: Mapping[str, str]) -> str:
        asked = f"?{urllib.parse.urlencode(query, safe=',')}" if query else ""
        return f"{scheme}{'s' if self.secure else ''}://{self.host}{self.path}{path}{asked}"


def parse(url: str) -> Address:
    """The address in a URL; that of the WebSocket itself means the same gateway.

    Raises:
        Refused: not such a URL.
    """
    try:
        split = urllib.parse.urlsplit(url)
        port_is_good = split.port is None or split.port > 0
    except ValueError:
        raise mistaken("url", url, ALLOWED) from None
    known = split.scheme in _SECURE and split.hostname and port_is_good and "@" not in split.netloc
    if not known or split.query or split.fragment:
        raise mistaken("url", url, ALLOWED)
    return Address(_SECURE[split.scheme], split.netloc, split.path.removesuffix(SOCKET_PATH).rstrip("/"))
