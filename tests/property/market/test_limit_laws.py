"""Integer limits are the exact ones: compared with decimal arithmetic, which has no float noise either."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from dfp.market.instruments import classify
from dfp.market.rules import price_limits

DAY = 20220901
CENT = Decimal("0.01")
RATES = {symbol: Decimal(rate) for symbol, rate in (("600000.SH", "0.1"), ("300122.SZ", "0.2"), ("920000.BJ", "0.3"))}

cents = st.integers(1, 500_000)


@given(st.sampled_from(sorted(RATES)), cents)
def test_share_limits_are_rounded_half_up_to_the_cent_and_differ_from_the_previous_close(symbol, cents):
    close, rate = cents * CENT, RATES[symbol]
    found = price_limits(classify(symbol), cents * 100, DAY)
    up = max((close * (1 + rate)).quantize(CENT, ROUND_HALF_UP), close + CENT)
    down = max(min((close * (1 - rate)).quantize(CENT, ROUND_HALF_UP), close - CENT), CENT)
    assert found == (int(up * 10_000), int(down * 10_000))


@given(st.integers(1, 50_000_000))
def test_index_future_limits_are_the_last_ticks_inside_ten_percent(settlement):
    found = price_limits(classify("IF2212.CF"), settlement * 100, DAY)
    steps = Decimal(settlement * 100) / 2_000
    up = (steps * Decimal("1.1")).to_integral_value(ROUND_FLOOR) * 2_000
    down = (steps * Decimal("0.9")).to_integral_value(ROUND_CEILING) * 2_000
    assert found == (up, down)


@given(
    st.sampled_from(["600000.SH", "688218.SH", "920000.BJ", "510300.SH", "588000.SH", "113050.SH", "900901.SH"]),
    st.integers(1, 10**9),
    st.booleans(),
)
def test_limits_enclose_the_previous_close_on_the_grid_of_the_tick(symbol, ticks, st_share):
    instrument = classify(symbol)
    pre_close = ticks * instrument.tick
    up, down = price_limits(instrument, pre_close, DAY, st=st_share)
    assert up > pre_close >= down > 0
    assert up % instrument.tick == down % instrument.tick == 0


@given(cents, cents)
def test_a_higher_previous_close_never_has_lower_limits(first, second):
    instrument = classify("600000.SH")
    low, high = (price_limits(instrument, cents * 100, DAY) for cents in sorted((first, second)))
    assert low[0] <= high[0]
    assert low[1] <= high[1]
