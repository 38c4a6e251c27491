"""One process of the pipeline: an event loop, a health port, signals that ask for a graceful stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
import uvloop

from dfp.contracts.names import Names
from dfp.runtime.http import serve_http
from dfp.runtime.logging import configure
from dfp.runtime.probes import Health, HealthApp
from dfp.runtime.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Service(Generic[S]):
    """What a service's `main` gets.

    Attributes:
        stop: set when the process was asked to end; `main` then finishes what it began and returns.
        health: what the probes answer.
    """

    name: str
    settings: S
    names: Names
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    health: Health = field(default_factory=Health)


def serve(name: str, settings: S, main: Callable[[Service[S]], Awaitable[None]]) -> None:
    """Run `main` until it returns or the process is told to stop by SIGTERM or SIGINT.

    Raises:
        Whatever `main` raises: a crash is visible, and restarting is the supervisor's business.
    """
    configure(settings.log_format, service=name, instance=settings.instance)
    uvloop.run(_serve(name, settings, main))


async def _serve(name: str, settings: S, main: Callable[[Service[S]], Awaitable[None]]) -> None:
    service = Service(name, settings, settings.names)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop.set)
    probes = asyncio.create_task(
        serve_http(HealthApp(service.health), str(settings.health_host), settings.health_port, service.stop)
    )
    working = asyncio.ensure_future(main(service))
    _log.info("started")
    try:
        await asyncio.wait({probes, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            if not service.stop.is_set():
                probes.result()  # the health port failed: raise its reason
            await working
        working.result()
    finally:
        service.stop.set()
        service.health.become("stopped")
        await asyncio.gather(probes, return_exceptions=True)
    _log.info("stopped")
