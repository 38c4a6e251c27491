"""Answers handshakes, and sends clients away before a restart."""

import asyncio
import contextlib
from http import HTTPStatus

import structlog
from picows import WSCloseCode, WSListener, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener

from dfp.contracts.errors import ContractError
from dfp.streamer import drain, request
from dfp.streamer.authorize import Authorize
from dfp.streamer.hub import Hub
from dfp.streamer.metrics import Metrics
from dfp.streamer.socket_client import Limits, SocketClient

GOODBYE_S = 2.0
"""How long the last clients may take to answer the goodbye."""

RETRY_AFTER_S = 1

_log = structlog.get_logger(__name__)


class Door:
    """Accepts connections and hands them to the hub."""

    def __init__(self, hub: Hub, authorize: Authorize, limits: Limits, metrics: Metrics) -> None:
        self.hub = hub
        self.authorize = authorize
        self.limits = limits
        self.metrics = metrics
        self.clients: set[SocketClient] = set()
        self.closing = False

    def __call__(self, upgrade: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        """The client behind a request, or an answer that says why there is none."""
        if self.closing:
            return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the streamer restarts; try again in a moment")
        try:
            wanted = request.parse(upgrade.path)
        except request.NotFound as error:
            return _refuse(HTTPStatus.NOT_FOUND, str(error))
        except ContractError as error:
            return _refuse(HTTPStatus.BAD_REQUEST, str(error))
        headers = {name.lower(): value for name, value in upgrade.headers.items()}
        try:
            refusal = self.authorize(upgrade.path.decode("latin-1"), headers)
        except Exception:
            _log.exception("the authorize hook failed")
            return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "the check of your authorization failed")
        if refusal is not None:
            return _refuse(HTTPStatus.UNAUTHORIZED, refusal)
        if not self.hub.ready:
            return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the log is still being read; try again in a moment")
        return SocketClient(self.hub, self.clients, wanted, self.limits, self.metrics)

    async def say_goodbye(self, seconds: float) -> None:
        """Refuse new clients, and close every connection with 1012; clients come back with their last id.

        Args:
            seconds: over which many clients are spread.
        """
        self.closing = True
        leaving = list(self.clients)
        size = drain.step_size(len(leaving), seconds)
        for first in range(0, len(leaving), size or 1):
            for client in leaving[first : first + size]:
                client.close(WSCloseCode.SERVICE_RESTART, "the streamer restarts")
            await asyncio.sleep(drain.STEP_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for client in leaving:
                    await client.gone.wait()


def _refuse(status: HTTPStatus, detail: str) -> WSUpgradeResponseWithListener:
    body = f"{detail}\n".encode()
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status, body, headers), None)
