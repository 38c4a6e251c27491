"""What the strategies say about one symbol now: the latest unexpired signal of each.

It is a set and not a history, so it is the same whatever the order in which the strategies' signals arrived.
"""

from collections.abc import Iterable

from dfp.aggregator.confidence import half_life_ns
from dfp.contracts.opportunity import Member
from dfp.contracts.signal import Direction, Signal


class Views:
    """The views on one symbol. A Flat is kept like any other: it is the strategy's word until it expires."""

    def __init__(self, signals: Iterable[Signal] = ()) -> None:
        self._latest = {signal.strategy: signal for signal in signals}

    def __len__(self) -> int:
        return len(self._latest)

    def signals(self) -> list[Signal]:
        """The views, by strategy."""
        return [self._latest[strategy] for strategy in sorted(self._latest)]

    def supersedes(self, signal: Signal) -> bool:
        """Whether the same strategy has said something later than `signal`, or `signal` itself, before."""
        held = self._latest.get(signal.strategy)
        return held is not None and (held.as_of > signal.as_of or held.id == signal.id)

    def put(self, signal: Signal) -> None:
        """Replace the strategy's view."""
        self._latest[signal.strategy] = signal

    def withdraw(self, strategy: str) -> bool:
        """Drop the strategy's view; whether there was one."""
        return self._latest.pop(strategy, None) is not None

    def expire(self, at: int) -> bool:
        """Drop what no longer counts at event time `at`; whether there was any."""
        gone = [strategy for strategy, signal in self._latest.items() if signal.expires <= at]
        for strategy in gone:
            del self._latest[strategy]
        return bool(gone)

    def as_of(self) -> int:
        """Event time of the newest view, 0 without any."""
        return max((signal.as_of for signal in self._latest.values()), default=0)

    def next_expiry(self) -> int | None:
        """Event time at which the first view expires."""
        return min((signal.expires for signal in self._latest.values()), default=None)

    def members(self, side: Direction) -> list[Member]:
        """The views for one side, by strategy, as an opportunity lists them."""
        return [
            Member(
                strategy=signal.strategy,
                group=signal.group,
                signal=signal.id,
                confidence=signal.confidence,
                strength=signal.strength,
                as_of=signal.as_of,
                expires=signal.expires,
                half_life_ns=half_life_ns(signal),
                reason=signal.reason,
            )
            for signal in self.signals()
            if signal.direction is side
        ]
