"""Order-book imbalance: one side of the book stays much heavier than the other while the spread is tight.

Queue imbalance at the best quotes predicts the direction of the next price change (Gould and Bonart 2016), for seconds
to minutes. One snapshot is noise: orders of that size come and go. So the imbalance has to last for some ticks.
"""

from dfp.sdk import Flat, MemoryColumns, Param, Signals, State, Strategy, Ticks, Up, at


class OrderbookImbalance(Strategy):
    """Up while buyers outweigh sellers at the best quotes for several ticks in a row; written for whole columns."""

    needs = ("imbalance", "spread", "room_to_limit_up")
    warmup = "20 ticks"
    enter: float = Param(0.7, gt=0, lt=1, doc="(bid − ask) / (bid + ask) of the best quantities, at least")
    leave: float = Param(0.0, ge=-1, lt=1, doc="imbalance below which the view ends")
    ticks_in_row: int = Param(5, ge=1, le=1000, doc="how long the imbalance has to last")
    max_spread: float = Param(0.001, gt=0, doc="(ask − bid) / mid, at most")
    min_room: float = Param(0.01, ge=0, doc="distance to the upper limit, at least: nobody sells at the limit")
    horizon: str = Param("2m", doc="trading time")

    class Memory(State):
        """How long the imbalance has lasted, and whether a view is open."""

        lasted: int = 0
        open: bool = False

    def on_batch(self, ticks: Ticks, memory: MemoryColumns) -> Signals | None:
        """Open a view when the imbalance has lasted, end it when the book has turned."""
        heavy = ticks.imbalance >= self.enter
        tight = (ticks.spread <= self.max_spread) & (ticks.room_to_limit_up >= self.min_room)
        counts = ticks.continuous & heavy & tight
        memory.lasted = (memory.lasted + 1) * counts
        opens = ~memory.open & (memory.lasted == self.ticks_in_row)
        closes = memory.open & ticks.continuous & (ticks.imbalance < self.leave)
        memory.open = (memory.open | opens) & ~closes
        rows = (opens | closes).nonzero()[0]
        if not rows.size:
            return None
        return Signals(
            rows,
            [Up if opened else Flat for opened in opens[rows]],
            confidence=0.62,
            strength=100 * abs(ticks.imbalance[rows]),
            horizon=self.horizon,
            reason="book imbalance {imbalance:+.0%} at a spread of {spread:.3%}",
        )

    @at("14:55")
    def before_close(self, symbol: str, memory: Memory, now: int) -> None:
        """Tomorrow begins without a view."""
        memory.lasted, memory.open = 0, False
