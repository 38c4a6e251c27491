"""Mean reversion: a price far from its recent mean tends to come back, once the order book turns against the move."""

from collections.abc import Iterator

from dfp.sdk import Down, Flat, Param, Signal, State, Strategy, Tick, Up, at


class MeanReversion(Strategy):
    """Price far from its rolling mean, a tight spread, and a book that leans the other way."""

    needs = ("zscore_100", "imbalance", "spread")
    warmup = "100 ticks"
    entry: float = Param(2.5, gt=0, doc="standard deviations from the mean at which a view is opened")
    leave: float = Param(0.5, ge=0, doc="standard deviations from the mean at which it is closed")
    min_imbalance: float = Param(0.3, ge=0, lt=1, doc="(bid − ask) / (bid + ask) of the best quantities, at least")
    max_spread: float = Param(0.001, gt=0, doc="(ask − bid) / mid, at most")
    horizon: str = Param("5m", doc="trading time")

    class Memory(State):
        """The view that is open."""

        side: int = 0  # 1 = Up, -1 = Down, 0 = none

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        """Against the move when it is stretched; Flat when the price is back near its mean."""
        if not tick.continuous:
            return
        z = tick.zscore_100
        if memory.side:
            if z * memory.side > -self.leave:
                memory.side = 0
                yield Signal(Flat, reason="back at {zscore_100:.1f} deviations")
            return
        if not tick.spread <= self.max_spread:
            return
        if z < -self.entry and tick.imbalance > self.min_imbalance:
            memory.side = 1
            yield self._view(tick)
        elif z > self.entry and tick.imbalance < -self.min_imbalance:
            memory.side = -1
            yield self._view(tick)

    def _view(self, tick: Tick) -> Signal:
        return Signal(
            Up if tick.zscore_100 < 0 else Down,
            confidence=0.65,
            strength=min(100, 20 * abs(tick.zscore_100)),
            horizon=self.horizon,
            reason="{last} is {zscore_100:.1f} deviations from its mean, book imbalance {imbalance:+.0%}",
        )

    @at("14:55")
    def before_close(self, symbol: str, memory: Memory, now: int) -> None:
        """Tomorrow begins without a view."""
        memory.side = 0
