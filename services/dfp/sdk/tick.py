"""The tick as a strategy sees it: yuan as floats, absent values as NaN, features by name, nothing to change.

Reading columns through a row object would cost a Python call for each attribute. A frozen msgspec struct costs 130 ns
to make with twenty fields, which is less than a class with `__slots__`, and 6 ns to read a field.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import msgspec


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One tick of one symbol, with the features that the strategy needs as further attributes.

    Attributes:
        symbol: for example `600000.SH`.
        n: 1, 2, 3 … per symbol and session; with the session it is the tick's identity (its time is not).
        time: exchange time, UTC nanoseconds.
        session: trading day, yyyymmdd.
        phase: phase of the trading day, comparable with `dfp.market.phases.Phase`.
        continuous: in continuous trading and nothing is wrong with it; only such ticks build features.
        last, bid1, ask1, pre_close, limit_up, limit_down: yuan, NaN where absent (no price limit: NaN too).
        volume: traded since the symbol's previous tick, shares (futures: contracts).
        turnover: likewise, yuan.
        bid1_volume, ask1_volume: shares (futures: contracts).
    """

    symbol: str
    n: int
    time: int
    session: int
    phase: int
    continuous: bool
    last: float
    volume: int
    turnover: float
    bid1: float
    ask1: float
    bid1_volume: int
    ask1_volume: int
    pre_close: float
    limit_up: float
    limit_down: float

    if TYPE_CHECKING:

        def __getattr__(self, feature: str) -> float: ...  # the features listed in `needs`


FIELDS = Tick.__struct_fields__
"""Names that every tick has."""


def tick_type(strategy: str, needs: Iterable[str]) -> type[Tick]:
    """The tick of a strategy that needs these features: `FIELDS`, then the features in this order."""
    kind = msgspec.defstruct(
        f"{strategy}Tick", [(name, float) for name in needs], bases=(Tick,), module=__name__, frozen=True, gc=False
    )
    return cast("type[Tick]", kind)
