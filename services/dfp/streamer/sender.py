"""Runs the broadcasts at the times that the pacing rule gives."""

import asyncio
import time
from collections.abc import Callable

from dfp.streamer.pacing import Pacer


class Sender:
    """Calls `flush` soon after `wake`, once for all wakes in between.

    "Soon" is the next turn of the loop at the earliest: what the feed takes out of one reply of Redis goes together.
    """

    def __init__(self) -> None:
        self.flush: Callable[[], None]
        self.pacer = Pacer()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends with what `flush` has raised: after that nobody is told anything."""
        self._scheduled = False

    def wake(self) -> None:
        """There is something to send."""
        if self._scheduled:
            return
        self._scheduled = True
        loop = asyncio.get_running_loop()
        wait = self.pacer.wait(time.monotonic())
        if wait > 0.0:
            loop.call_later(wait, self._run)
        else:
            loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        began = time.thread_time()  # other processes of a busy machine do not make a broadcast expensive
        try:
            self.flush()
        except Exception as error:
            self.failed.set_exception(error)
            self._scheduled = True  # for good
        finally:
            self.pacer.sent(time.monotonic(), time.thread_time() - began)
