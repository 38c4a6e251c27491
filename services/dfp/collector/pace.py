"""How event time runs against the wall clock. It decides *when* rows are taken, never what becomes of them."""

import numpy as np

from dfp.collector.order import LATENESS_NS, Times, day_of


class Pace:
    """A mapping of wall time to event time, line by line: one line a session.

    Rows are due `LATENESS_NS` before their event time. The window in which late rows are put back in order is thereby
    already over when their time has come, and no good row waits for it.

    Args:
        speed: event seconds a wall second; None = as fast as rows can be taken.
        start: event time up to which rows are not paced (a pre-roll that fills windows).
        reached: event time up to which an earlier run has come; a run that is taken up again goes on from there.
    """

    def __init__(self, speed: float | None, start: int, reached: int) -> None:
        self.speed = speed
        self.start = max(start, reached)
        self._unpaced_day = day_of(reached)
        self._event = self._wall = 0
        self._day: int | None = None

    def follow(self, watermark: int, wall_ns: int) -> None:
        """Begin a new line when `watermark`, the time of the next row, lies in another session: nights are skipped."""
        day = day_of(watermark)
        if watermark <= self.start:
            self._unpaced_day = day
        elif day != self._day:
            begun = day == self._unpaced_day
            self._event = self.start if begun else max(watermark - LATENESS_NS, self.start)
            self._wall, self._day = wall_ns, day

    def due_at(self, event_ns: int) -> int | None:
        """Wall time at which an event time is due, None when it is not paced."""
        if self.speed is None or self._day is None or event_ns < self._event:
            return None
        return self.wall(event_ns)

    def event(self, wall_ns: int) -> int:
        """Event time at a wall time; `start` as long as no paced row has been met."""
        if self.speed is None or self._day is None:
            return self.start
        return self._event + int((wall_ns - self._wall) * self.speed)

    def wall(self, event_ns: int) -> int:
        """Wall time at an event time of the present line."""
        if self.speed is None:
            return self._wall
        return self._wall + int((event_ns - self._event) / self.speed)

    def due(self, watermarks: Times, wall_ns: int) -> int:
        """How many of the next rows are due, given the watermark after each."""
        if self.speed is None:
            return len(watermarks)
        return int(np.searchsorted(watermarks - LATENESS_NS, self.event(wall_ns), side="right"))
