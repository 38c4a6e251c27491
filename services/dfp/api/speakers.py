"""Who has spoken: the last signal of each strategy, from the live and the shadow stream."""

from dataclasses import dataclass

from dfp.contracts.signal import Signal

MOST = 1_000
"""Strategies remembered; the one that was silent for longest goes first."""


@dataclass(slots=True)
class Speaker:
    """What signals tell of a strategy.

    Attributes:
        revision: of its last signal.
        live, shadow: as-of of its last signal in either stream, None before one; UTC nanoseconds.
    """

    revision: str
    live: int | None = None
    shadow: int | None = None

    @property
    def last(self) -> int:
        """As-of of its last signal, UTC nanoseconds."""
        return max(time for time in (self.live, self.shadow) if time is not None)


class Speakers:
    """Strategy -> its last words."""

    def __init__(self) -> None:
        self._by_name: dict[str, Speaker] = {}

    def hear(self, signal: Signal, *, shadow: bool) -> None:
        """Take the next signal."""
        speaker = self._by_name.pop(signal.strategy, None) or Speaker(signal.revision)
        if not (speaker.live or speaker.shadow) or signal.as_of >= speaker.last:
            speaker.revision = signal.revision
        if shadow:
            speaker.shadow = signal.as_of
        else:
            speaker.live = signal.as_of
        self._by_name[signal.strategy] = speaker
        if len(self._by_name) > MOST:
            del self._by_name[next(iter(self._by_name))]

    def get(self, strategy: str) -> Speaker | None:
        """What is known of a strategy, None when it never spoke."""
        return self._by_name.get(strategy)

    def forget(self, *, shadow: bool) -> None:
        """A stream is read again."""
        for name, speaker in list(self._by_name.items()):
            if shadow:
                speaker.shadow = None
            else:
                speaker.live = None
            if speaker.live is None and speaker.shadow is None:
                del self._by_name[name]
