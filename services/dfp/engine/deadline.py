"""Bounds the CPU time of a handler at no cost a tick: one process-wide profiling timer that expires now and then.

Two expiries during the same call mean that the call has used at least one whole interval; then `HandlerTimeout` is
raised inside it, and again at every further expiry until it has ended. CPU time counts, so a stopped or starved process
contains nothing. Python delivers a signal between two bytecodes: one long call into C is not interrupted, and the
liveness probe has to end it.
"""

import signal
from types import FrameType, TracebackType
from typing import Protocol

from dfp.sdk.errors import StrategyError


class HandlerTimeout(BaseException):
    """A handler used more than its CPU time. Not an `Exception`, so that `except Exception` does not swallow it."""


class Watch(Protocol):
    """What the core tells the timer.

    Attributes:
        running: an object that stands for the call under way, another one for each call; None between calls.
    """

    running: object | None


class NoDeadline:
    """A watch that contains nothing: while an earlier run is repeated, its journal decides."""

    running: object | None = None


class Deadline:
    """Raises `HandlerTimeout` in a call that has used between one and two budgets of the process's CPU time.

    Use it as a context manager, in the main thread.

    Args:
        budget_s: seconds of CPU time.
    """

    def __init__(self, budget_s: float) -> None:
        if not budget_s > 0:
            raise StrategyError(f"a handler's CPU time of {budget_s} s is not allowed; expected more than 0")
        self.running: object | None = None
        self._seen: object | None = None
        self._budget_s = budget_s

    def __enter__(self) -> "Deadline":
        self._previous = signal.signal(signal.SIGPROF, self._expired)
        signal.setitimer(signal.ITIMER_PROF, self._budget_s, self._budget_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._previous)

    def _expired(self, signum: int, frame: FrameType | None) -> None:
        running = self.running
        if running is not None and running is self._seen:
            raise HandlerTimeout(f"used more than {self._budget_s:g} s of CPU time")
        self._seen = running
