"""Momentum: a price that leaves its recent range upward on unusual volume tends to go on for a while."""

from collections.abc import Iterator

from dfp.sdk import Flat, Param, Signal, State, Strategy, Tick, Up, at


class Breakout(Strategy):
    """Price leaves its recent range upward on unusual volume."""

    needs = ("range_high_400", "volume_ratio", "room_to_limit_up")
    warmup = "400 ticks"
    min_ratio: float = Param(2.0, gt=0, doc="volume of the last minute against the session's usual minute")
    horizon: str = Param("10m", doc="trading time: 11:25 + 10m = 13:05")

    class Memory(State):
        """The price at which the view was opened."""

        entry: float = 0.0  # 0 = no open view

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        """Up when the range breaks, Flat 2 % below that price; near the price limit nobody can buy."""
        if not tick.continuous or tick.room_to_limit_up < 0.005:
            return
        if not memory.entry and tick.last > tick.range_high_400 and tick.volume_ratio > self.min_ratio:
            memory.entry = tick.last
            yield Signal(
                Up,
                confidence=0.6,
                strength=min(100, 20 * tick.volume_ratio),
                horizon=self.horizon,
                reason="{last} above range {range_high_400}",
            )
        elif memory.entry and tick.last < 0.98 * memory.entry:
            memory.entry = 0.0
            yield Signal(Flat, reason="2 % below entry")

    @at("14:55")
    def before_close(self, symbol: str, memory: Memory, now: int) -> None:
        """Tomorrow begins without a view."""
        memory.entry = 0.0
