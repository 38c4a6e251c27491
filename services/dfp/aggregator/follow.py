"""Follows what went out, to say what became of it: one outcome for each published opportunity.

Somebody who follows an opportunity enters at the first quote at or after its opening: buys at the first ask, or for
Down sells at the first bid (Down means reduce or avoid, so the return is that of having stayed away). With nobody on
the other side, or when the opportunity is closed before there is a quote, he does not enter. He leaves at the last
price within the horizon of the signal that opened it, or of the session. Only fit ticks of continuous trading count: in
an auction the book shows a virtual price.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from dfp.contracts.flags import Flag
from dfp.contracts.frame import Frame
from dfp.contracts.opportunity import CloseReason, Opportunity
from dfp.contracts.outcome import Outcome, Tradable
from dfp.contracts.signal import Direction, Signal
from dfp.market import trading_time
from dfp.market.fitness import fit_rows_of
from dfp.market.instruments import classify
from dfp.market.symbols import pack
from dfp.risk.equity import COST

PRICE_SCALE = 10_000


class Follow(msgspec.Struct, array_like=True):
    """One published opportunity; prices in 1/10,000 yuan, 0 = none yet.

    Attributes:
        entry: fill price.
        tradable: None until the first fit tick.
        last: last price within the horizon; best and worst likewise, seen from the side.
        at_close: last price when the opportunity was closed.
    """

    id: str
    symbol: str
    session: int
    side: Direction
    confidence: float
    strategies: list[str]
    opened: int
    horizon_end: int
    tradable: Tradable | None = None
    entry: int = 0
    last: int = 0
    best: int = 0
    worst: int = 0
    closed: CloseReason | None = None
    closed_at: int = 0
    at_close: int = 0

    def quote(self, time: int, last: int, bid: int, ask: int, flags: int) -> bool:
        """Take a fit tick of its symbol and session; whether anything changed."""
        if not self.opened <= time <= self.horizon_end:
            return False
        live = self.closed is None or time < self.closed_at
        up = self.side is Direction.UP
        if self.tradable is None:
            offered = ask if up else bid
            self.entry = offered if live else 0
            locked = flags & (Flag.AT_LIMIT_UP if up else Flag.AT_LIMIT_DOWN)
            self.tradable = Tradable.YES if self.entry else Tradable.LOCKED if locked else Tradable.NO_QUOTE
            self.best = self.worst = last
        self.last = last
        self.best = max(self.best, last) if up else min(self.best, last)
        self.worst = min(self.worst, last) if up else max(self.worst, last)
        if live:
            self.at_close = last
        return True

    def outcome(self) -> Outcome:
        """What became of it; the opportunity must be closed."""
        assert self.closed is not None
        return Outcome(
            id=self.id,
            symbol=self.symbol,
            session=self.session,
            side=self.side,
            confidence=self.confidence,
            strategies=self.strategies,
            opened=self.opened,
            closed=self.closed,
            horizon_end=self.horizon_end,
            tradable=self.tradable or Tradable.NO_QUOTE,
            entry=self.entry / PRICE_SCALE if self.entry else None,
            exit=self.last / PRICE_SCALE if self.last else None,
            return_at_horizon=self._return(self.last),
            return_at_close=self._return(self.at_close),
            mfe=self._return(self.best),
            mae=self._return(self.worst),
            cost=COST,
        )

    def _return(self, price: int) -> float | None:
        """Fraction of the entry price in the direction of the side, after cost."""
        if not self.entry:
            return None
        change = price - self.entry if self.side is Direction.UP else self.entry - price
        return change / self.entry - COST


class Follows:
    """All that are followed.

    Attributes:
        changed: ids whose state has changed, or that are gone, since it was cleared.
    """

    def __init__(self, follows: list[Follow]) -> None:
        self._by_id = {follow.id: follow for follow in follows}
        self._by_symbol: dict[int, list[Follow]] = {}
        for follow in follows:
            self._by_symbol.setdefault(pack(follow.symbol), []).append(follow)
        self._symbols: npt.NDArray[np.uint64] | None = None
        """Keys of `_by_symbol`, sorted; None when they have changed."""
        self.changed: dict[str, Follow | None] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[Follow]:
        """Those that are followed, by id."""
        return [self._by_id[identifier] for identifier in sorted(self._by_id)]

    def begin(self, opened: Opportunity, trigger: Signal) -> None:
        """Follow an opportunity whose first revision went out."""
        horizon_end = trading_time.add(opened.opened, trigger.horizon_ns, classify(opened.symbol).cls)
        strategies = [member.strategy for member in opened.members]
        follow = Follow(
            opened.id, opened.symbol, opened.session, opened.side, opened.confidence, strategies, opened.opened,
            horizon_end,
        )  # fmt: skip
        self._by_id[follow.id] = self.changed[follow.id] = follow
        self._by_symbol.setdefault(pack(follow.symbol), []).append(follow)
        self._symbols = None

    def close(self, closed: Opportunity) -> None:
        """The last revision of an opportunity went out."""
        follow = self._by_id[closed.id]
        follow.closed, follow.closed_at = closed.closed, closed.as_of
        self.changed[follow.id] = follow

    def take(self, frame: Frame) -> None:
        """Take the ticks of a frame; somebody must be followed."""
        if self._symbols is None:
            self._symbols = np.array(sorted(self._by_symbol), np.uint64)
        rows = fit_rows_of(frame, self._symbols)
        columns = (frame[name][rows].tolist() for name in ("symbol", "time", "last", "bid1", "ask1", "flags"))
        for found, *tick in zip(*columns, strict=True):
            for follow in self._by_symbol[found]:
                if follow.session == frame.session and follow.quote(*tick):
                    self.changed[follow.id] = follow

    def finish(self, time: int, session: int, ended: bool) -> list[Outcome]:
        """What is decided at a clock entry: every tick before `time` has been taken.

        Args:
            session: of the clock entry.
            ended: it is the session's last.
        """
        done = [
            follow
            for follow in self._by_id.values()
            if follow.closed
            and (follow.horizon_end < time or follow.session < session or (ended and follow.session == session))
        ]
        done.sort(key=lambda follow: follow.id)
        for follow in done:
            del self._by_id[follow.id]
            packed = pack(follow.symbol)
            self._by_symbol[packed].remove(follow)
            if not self._by_symbol[packed]:
                del self._by_symbol[packed]
            self.changed[follow.id] = None
            self._symbols = None
        return [follow.outcome() for follow in done]
