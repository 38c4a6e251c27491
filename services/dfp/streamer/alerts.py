"""The latest risk alerts, for clients that want them: those that are slow for a moment miss none."""

from collections import deque

KEPT = 1_000
"""Alerts of at most some 1 kB: a client that is behind by more misses the older ones."""


class Alerts:
    """Alerts by a number of their own, which counts those taken since the start."""

    def __init__(self) -> None:
        self.told = 0
        """Number of alerts that were broadcast."""
        self._taken = 0
        self._kept: deque[bytes] = deque(maxlen=KEPT)

    def append(self, message: bytes) -> None:
        """Take the next alert."""
        self._kept.append(message)
        self._taken += 1

    def tell(self) -> list[bytes]:
        """Alerts that were not broadcast yet; they count as told from now on."""
        found = self._last(self._taken - self.told)
        self.told = self._taken
        return found

    def after(self, number: int) -> list[bytes]:
        """Alerts that were broadcast after the first `number` ones, as far as they are kept."""
        pending = self._taken - self.told
        found = self._last(self._taken - number)
        return found[: max(0, len(found) - pending)]

    def _last(self, count: int) -> list[bytes]:
        return list(self._kept)[max(0, len(self._kept) - count) :] if count > 0 else []
