"""Hand-computed vectors of realised volatility. ln 1.01 = 0.009950331, ln 1.02 = 0.019802627, ln 1.05 = 0.048790164."""

import math

import pytest

from dfp.contracts.flags import Flag
from dfp.market.phases import Phase
from dfp.risk.prices import Prices
from dfp.risk.volatility import RealisedVolatility
from feature_log import MAUTAI, SESSION, Item, Row, frame
from risk_cases import MINUTE, SECOND, clock_at, seesaw, session, tick

NOT_YET = math.nan
LN_101 = 0.009950331
TWO_STEPS = {"09:25:00": 100.0, "09:40:30": 105.0, "10:00:30": 107.1}


def value(items: list[Item], window: int | None = None, grid: int = MINUTE) -> float:
    """Volatility of the one symbol after these items."""
    prices, estimator = Prices(), RealisedVolatility(window, grid)
    for item in items:
        if isinstance(item, Row):
            prices.take(frame([item]))
        else:
            estimator.advance(prices, SESSION, item.time)
    return float(estimator.values(len(prices))[0])


VECTORS: dict[str, tuple[list[Item], int | None, int, float]] = {
    # Fifteen returns of ± ln 1.01 from 09:31 to 09:45: √15 · 0.009950331 = 3.872983 · 0.009950331.
    "fifteen returns are enough": (session(seesaw(15), "09:45:00"), None, MINUTE, 0.038537466),
    # Fourteen are not.
    "fourteen are not": (session(seesaw(15), "09:44:00"), None, MINUTE, NOT_YET),
    # √25 · 0.009950331 = 5 · 0.009950331.
    "twenty-five returns": (session(seesaw(25), "09:55:00"), None, MINUTE, 0.049751654),
    # √26 · 0.009950331 = 5.099020 · 0.009950331.
    "twenty-six returns": (session(seesaw(26), "09:56:00"), None, MINUTE, 0.050736931),
    # The value is that of the last point: the price of 09:55:30 does not count before 09:56.
    "between points nothing changes": (
        [*session(seesaw(25), "09:55:00"), tick("09:55:30", 120.0)], None, MINUTE, 0.049751654,
    ),
    # 20 minutes in which only the price of 09:40:30 differs: one return of ln 1.05, the rest 0.
    "a minute without a trade keeps its price": (
        session({"09:25:00": 100.0, "09:40:30": 105.0}, "09:50:00"), None, MINUTE, 0.048790164,
    ),
    # Up in the minute and back in it: on the grid the price has not moved.
    "what happens between points is not seen": (
        session({"09:25:00": 100.0, "09:40:10": 110.0, "09:40:50": 100.0}, "09:50:00"), None, MINUTE, 0.0,
    ),
    # The auction's match 100 is P_0: its return to 101 at 09:31 counts.
    "the auction's match is the first price": (
        session({"09:25:01": 100.0, "09:30:30": 101.0}, "09:50:00"), None, MINUTE, LN_101,
    ),
    # Without an auction P_0 is the first price of continuous trading, 100 at 09:30:05, not the last before 09:31.
    "without an auction it is the first of continuous trading": (
        session({"09:30:05": 100.0, "09:30:55": 101.0}, "09:50:00"), None, MINUTE, LN_101,
    ),
    # Virtual prices of the call auction are no prices: 90 at 09:20 does not count.
    "prices of the call are none": (
        session({"09:20:00": 90.0, "09:25:01": 100.0, "09:30:30": 101.0}, "09:50:00"), None, MINUTE, LN_101,
    ),
    # From 11:30 (100) over lunch to 13:01 (105): one return of ln 1.05.
    "lunch is one return": (
        session({"09:25:00": 100.0, "13:00:30": 105.0}, "13:01:00"), None, MINUTE, 0.048790164,
    ),
    # In the lunch break nothing is added: the tick of 12:00 is none of continuous trading.
    "a price of the break does not count": (
        session({"09:25:00": 100.0, "12:00:00": 150.0, "13:00:30": 105.0}, "13:01:00"), None, MINUTE, 0.048790164,
    ),
    # The closing call begins at 14:57: 120 at 14:58 does not count.
    "the closing call does not count": (
        session({"09:25:00": 100.0, "14:56:30": 101.0, "14:58:00": 120.0}, "15:00:00"), None, MINUTE, LN_101,
    ),
    # A price exactly on the point 10:00:00 belongs to the next interval: seen at 10:01, not at 10:00.
    "a price on the point belongs to the next interval": (
        session({"09:25:00": 100.0, "10:00:00": 105.0}, "10:00:00"), None, MINUTE, 0.0,
    ),
    # A symbol that opens at 10:00:30 has its fifteenth return at 10:15.
    "a late opening warms up from there": (
        session({"10:00:30": 100.0, "10:05:30": 101.0}, "10:15:00"), None, MINUTE, LN_101,
    ),
    "and not before": (session({"10:00:30": 100.0, "10:05:30": 101.0}, "10:14:00"), None, MINUTE, NOT_YET),
    # Grid of 5 min: fifteen returns by 10:45; 105 at 10:02 and 100 at 10:08 lie in two intervals: √2 · ln 1.05.
    "a grid of five minutes": (
        session({"09:25:00": 100.0, "10:02:00": 105.0, "10:08:00": 100.0}, "10:45:00"), None, 5 * MINUTE, 0.068999712,
    ),
    # Rolling 30 min at 10:15: the returns from 09:46 on are in; ln 1.05 of 09:40 is out, ln 1.02 of 10:00 is in.
    "a rolling window forgets": (
        session(TWO_STEPS, "10:15:00"), 30 * MINUTE, MINUTE, 0.019802627,
    ),
    # At 10:10 the window holds the returns of 09:41 to 10:10, the oldest is ln 1.05: √(0.048790164² + 0.019802627²).
    "a rolling window holds thirty returns": (
        session(TWO_STEPS, "10:10:00"), 30 * MINUTE, MINUTE, 0.052655714,
    ),
    # One minute later the return of 09:41 is out.
    "and not thirty-one": (
        session(TWO_STEPS, "10:11:00"), 30 * MINUTE, MINUTE, 0.019802627,
    ),
    # Rolling 30 min at 13:10 reaches back to 11:10: lunch takes no time. ln 1.05 of 11:15 is in, ln 1.02 of 13:05 too.
    "a rolling window leaves lunch out": (
        session({"09:25:00": 100.0, "11:15:30": 105.0, "13:05:30": 107.1}, "13:10:00"),
        30 * MINUTE, MINUTE, 0.052655714,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    items, window, grid, expected = VECTORS[name]
    assert value(items, window, grid) == pytest.approx(expected, abs=1e-8, nan_ok=True)


@pytest.mark.parametrize("flag", [Flag.CROSSED, Flag.BEYOND_LIMIT, Flag.CLOCK_SKEW, Flag.NO_PRICE])
def test_an_unfit_tick_has_no_price(flag: Flag) -> None:
    prices = {"09:25:00": 100.0, "09:40:30": 101.0}
    items = session(prices, "09:50:00")
    place = next(i for i, item in enumerate(items) if item.time > tick("09:45:00", 1.0).time)
    items.insert(place, Row(symbol=MAUTAI, time=items[place].time - SECOND, last=200.0, flags=int(flag)))
    assert value(items) == pytest.approx(LN_101, abs=1e-8)


def test_a_log_that_begins_in_the_midst_of_a_session_has_no_returns_of_before() -> None:
    items = session({"09:25:00": 100.0, "10:30:30": 101.0, "10:40:30": 102.01}, "10:46:00")
    late = [item for item in items if item.time >= tick("10:30:00", 1.0).time]
    assert math.isnan(value(late[:-2]))
    assert value(late) == pytest.approx(LN_101, abs=1e-8)


def test_a_clock_that_leaps_makes_one_return_of_many_points() -> None:
    items = [tick("09:25:00", 100.0), clock_at(tick("09:25:00", 1.0).time), tick("09:40:30", 101.0)]
    items.append(clock_at(tick("09:50:00", 1.0).time))
    assert value(items) == pytest.approx(LN_101, abs=1e-8)
    assert value(items, window=30 * MINUTE) == pytest.approx(LN_101, abs=1e-8)


def test_futures_that_trade_until_three_are_measured_on_the_grid_of_shares() -> None:
    items = session({"09:30:30": 100.0, "14:56:30": 101.0}, "14:57:00", "IF2206.CF")
    items.append(Row(symbol="IF2206.CF", time=tick("14:58:30", 1.0).time, last=150.0, phase=Phase.CONTINUOUS))
    items += session({}, "15:00:00")[-3:]
    assert value(items) == pytest.approx(LN_101, abs=1e-8)
