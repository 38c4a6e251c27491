"""Asks a pipeline's door as its clients do: REST and WebSocket through the gateway."""

import asyncio

from dfp.client import AsyncClient, ClientError, Lost, Snapshot, Unreachable

TIMEOUT_S = 3.0


async def rest_answers(host: str, port: int) -> tuple[bool, str]:
    """Whether REST answers through the gateway, and what it says."""
    url = _url(host, port)
    try:
        async with AsyncClient(url, timeout_s=TIMEOUT_S) as client:
            about = await client.version()
            async for _ in client.opportunities(limit=1):
                pass  # it says so when it has not read the log to its end
    except Unreachable:
        return False, f"no answer on {url}; is the gateway there? (--port)"
    except ClientError as error:
        return False, str(error)
    return True, f"{about.name} {about.version}, feed {about.feed or 'not known'}"


async def socket_answers(host: str, port: int) -> tuple[bool, str]:
    """Whether a WebSocket client gets its first snapshot through the gateway."""
    url, reason = _url(host, port), "too slow"
    try:
        async with asyncio.timeout(TIMEOUT_S), AsyncClient(url) as client:
            async for event in client.follow():
                if isinstance(event, Snapshot):
                    return True, f"a snapshot of {len(event.opportunities):,} opportunities, as of {event.id}"
                if isinstance(event, Lost):
                    reason = event.reason
    except ClientError as error:
        reason = str(error)
    except TimeoutError:
        pass
    return False, f"no snapshot on {url}: {reason}"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
