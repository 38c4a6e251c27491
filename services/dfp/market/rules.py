"""Price limits, lots and fees, by the date on which they held.

A backtest over 2019 must find ChiNext at 10 %, one over 2021 at 20 %: so every rule is a row with the day since which
it holds, and nothing here asks what day it is. Computed limits are for sources that send none (SSE snapshots, public
quote pages); a limit that the vendor sends comes from the exchange and wins.
"""

import datetime as dt
from dataclasses import dataclass

from dfp.market.instruments import Board, Instrument, InstrumentClass, product
from dfp.market.phases import date_of, session_of_date

NO_LIMIT = 999_999_900
"""99,999.99 yuan: from here on, or 0, vendors mean "no limit today"."""

MIN_COMMISSION = 5.0
"""Least commission of one order, yuan."""

_WHOLE = 10_000
"""Rates are in basis points."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """A price limit of ± `rate` basis points since a day, not for the first `free` sessions after a listing."""

    since: int
    rate: int
    free: int = 0


_MAIN = (
    _Limit(19961216, 1_000, free=1),
    _Limit(20230410, 1_000, free=5),  # registration-based listing reached the main boards
)
_STAR = (_Limit(20190722, 2_000, free=5),)

_LIMITS: dict[tuple[InstrumentClass, Board], tuple[_Limit, ...]] = {
    (InstrumentClass.SHARE, Board.MAIN): _MAIN,
    (InstrumentClass.SHARE, Board.STAR): _STAR,
    (InstrumentClass.SHARE, Board.CHINEXT): (_Limit(20091030, 1_000, free=1), _Limit(20200824, 2_000, free=5)),
    (InstrumentClass.SHARE, Board.BEIJING): (_Limit(20211115, 3_000, free=1),),
    (InstrumentClass.B_SHARE, Board.MAIN): _MAIN,
    (InstrumentClass.ETF, Board.NONE): (_Limit(19961216, 1_000),),
    (InstrumentClass.ETF, Board.STAR): (_Limit(20201116, 2_000),),
    (InstrumentClass.REIT, Board.NONE): (_Limit(20210621, 1_000, free=1),),
    (InstrumentClass.BOND, Board.NONE): (_Limit(20220801, 2_000, free=1),),
}

_SPECIAL_TREATMENT = (_Limit(19980422, 500), _Limit(20260706, 1_000))
"""ST and *ST of the main boards; on the other boards they have the board's own limit."""

_FUTURES: dict[str, tuple[_Limit, ...]] = {
    **dict.fromkeys(("IF", "IH", "IC", "IM"), (_Limit(20100416, 1_000),)),
    "T": (_Limit(20150320, 200),),
    "TF": (_Limit(20150320, 120),),
    "TS": (_Limit(20180817, 50),),
    "TL": (_Limit(20230421, 350),),
}

_LAST_DAY_RATE = 2_000
"""Stock-index futures on their last trading day."""


def is_no_limit(price: int) -> bool:
    """Whether a vendor's limit price, in 1/10,000 yuan, says "none today": 0, 99999.99, 100000 and above."""
    return price <= 0 or price >= NO_LIMIT


def price_limits(
    instrument: Instrument,
    pre_close: int,
    on: dt.date | int,
    *,
    st: bool = False,
    sessions_since_listing: int | None = None,
) -> tuple[int, int] | None:
    """Highest and lowest price at which the instrument may trade on a day.

    Shares, funds and bonds: pre_close × (1 ± p) rounded half up to the tick, at least one tick away from pre_close (SSE
    and SZSE trading rules, BSE likewise). Futures: the last prices on the tick's grid inside settlement × (1 ± p), as
    CFFEX quotes them.

    Args:
        instrument: what is traded.
        pre_close: previous close as the vendor sends it (it carries ex-rights); for futures the previous settlement
            price. 1/10,000 yuan.
        on: the trading day, as a date or yyyymmdd.
        st: the share is under special treatment (ST, *ST) on that day.
        sessions_since_listing: 0 on the day of listing; None when it is not known, taken as long ago.

    Returns:
        (limit up, limit down) in 1/10,000 yuan. None when there is no limit, or none that can be told from the symbol:
        indices, the first sessions of a listing (special bounds of that day are the vendor's to send), and ETFs of
        Shenzhen, which have 20 % when their index is of ChiNext or STAR shares, and else 10 %.

    Raises:
        ValueError: `pre_close` is not positive, or `on` no date.
    """
    if pre_close <= 0:
        raise ValueError(f"pre_close {pre_close} of {instrument.symbol} is not allowed; expected a price above 0")
    session = on if isinstance(on, int) else session_of_date(on)
    date_of(session)
    limit = _limit(instrument, session, st=st)
    if limit is None or (sessions_since_listing is not None and sessions_since_listing < limit.free):
        return None
    step = _WHOLE * instrument.tick
    above, below = pre_close * (_WHOLE + limit.rate), pre_close * (_WHOLE - limit.rate)
    if instrument.cls in (InstrumentClass.FUTURE, InstrumentClass.TREASURY_FUTURE):
        return above // step * instrument.tick, -(-below // step) * instrument.tick
    up = max((2 * above + step) // (2 * step) * instrument.tick, pre_close + instrument.tick)
    down = min((2 * below + step) // (2 * step) * instrument.tick, pre_close - instrument.tick)
    return up, max(down, instrument.tick)


def _limit(instrument: Instrument, session: int, *, st: bool) -> _Limit | None:
    match instrument.cls:
        case InstrumentClass.FUTURE if session >= _third_friday(instrument.symbol):
            return _Limit(session, _LAST_DAY_RATE)
        case InstrumentClass.FUTURE | InstrumentClass.TREASURY_FUTURE:
            rows = _FUTURES[product(instrument.symbol)]
        case InstrumentClass.SHARE | InstrumentClass.B_SHARE if st and instrument.board is Board.MAIN:
            rows = _SPECIAL_TREATMENT
        case InstrumentClass.ETF if instrument.symbol.endswith(".SZ"):
            rows = ()
        case _:
            rows = _LIMITS.get((instrument.cls, instrument.board), ())
    return next((row for row in reversed(rows) if row.since <= session), None)


def _third_friday(symbol: str) -> int:
    """Last trading day of a stock-index future; after a holiday it is the next session, which is not before it."""
    year, month = 2000 + int(symbol[-7:-5]), int(symbol[-5:-3])
    first = dt.date(year, month, 1)
    return session_of_date(first + dt.timedelta(days=(4 - first.weekday()) % 7 + 14))


@dataclass(frozen=True, slots=True)
class Lot:
    """Quantities that may be bought: `minimum`, and from there on in steps of `step` (shares, bonds or contracts)."""

    minimum: int
    step: int


def lot(instrument: Instrument) -> Lot:
    """Lot of a buy order. A remainder below it may always be sold at once.

    Raises:
        ValueError: the instrument is not traded.
    """
    match instrument.cls, instrument.board:
        case InstrumentClass.INDEX, _:
            raise ValueError(f"{instrument.symbol} is an index and is not traded; expected a tradable instrument")
        case InstrumentClass.SHARE, Board.STAR:
            return Lot(200, 1)
        case InstrumentClass.SHARE, Board.BEIJING:
            return Lot(100, 1)
        case InstrumentClass.BOND, _:
            return Lot(10, 10)
        case InstrumentClass.FUTURE | InstrumentClass.TREASURY_FUTURE, _:
            return Lot(1, 1)
        case _:
            return Lot(100, 100)


_STAMP_DUTY = ((20080424, 0.001), (20230828, 0.0005))
"""(since, rate); on sells of A and B shares alone."""


def stamp_duty(instrument: Instrument, turnover: float, on: dt.date | int) -> float:
    """Stamp duty of a sell, yuan; 0 for what is not a share.

    Args:
        instrument: what is sold.
        turnover: price × quantity of the sell, yuan.
        on: the trading day, as a date or yyyymmdd.

    Raises:
        ValueError: a day before 2008-04-24, for which no rate is kept.
    """
    if instrument.cls not in (InstrumentClass.SHARE, InstrumentClass.B_SHARE):
        return 0.0
    session = on if isinstance(on, int) else session_of_date(on)
    rate = next((rate for since, rate in reversed(_STAMP_DUTY) if since <= session), None)
    if rate is None:
        raise ValueError(f"no stamp duty is kept for {session}; expected a day from {_STAMP_DUTY[0][0]} on")
    return turnover * rate


def commission(turnover: float, rate: float) -> float:
    """Broker's commission on one order of shares, yuan: `rate` of the turnover, at least `MIN_COMMISSION`."""
    return max(turnover * rate, MIN_COMMISSION)
