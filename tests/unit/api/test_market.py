"""Ticks and bars in memory: the same as a plain loop over the ticks gives, however they were framed."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dfp.api.bars import MINUTE_NS, Bars
from dfp.api.market import Market, decode
from dfp.api.symbol_rows import SymbolRows
from dfp.api.ticks import Ticks
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.flags import UNFIT, Flag
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from feature_log import MAUTAI, PINGAN, Row, clock, log, moment, rows

PHASES = (Phase.CONTINUOUS, Phase.OPENING_CALL, Phase.OPENING_PAUSE, Phase.CLOSING_PAUSE, Phase.LUNCH)


@st.composite
def mornings(draw: st.DrawFn) -> list[Row]:
    """Ticks of a few symbols, in order of time."""
    time = moment("10:00:00")
    made = []
    for n in range(draw(st.integers(1, 60))):
        time += draw(st.integers(0, 40)) * 1_000_000_000
        made.append(
            Row(
                symbol=draw(st.sampled_from([MAUTAI, PINGAN, "600000.SH"])),
                n=n + 1,
                time=time,
                last=draw(st.sampled_from([0.0, 9.5, 10.0, 10.5])),
                phase=draw(st.sampled_from(PHASES)),
                flags=draw(st.sampled_from([0, 0, 0, int(Flag.CROSSED)])),
                volume=draw(st.sampled_from([0, 100])),
                features={"ema_100": float(n)},
            )
        )
    return made


def plain_bars(ticks: Sequence[Row], symbol: str) -> list[dict[str, float]]:
    """One-minute bars by a plain loop, the newest first."""
    bars: list[dict[str, float]] = []
    for tick in ticks:
        traded = tick.phase in (Phase.OPENING_PAUSE, Phase.CONTINUOUS, Phase.CLOSING_PAUSE)
        if tick.symbol != symbol or not traded or tick.flags & UNFIT or tick.last <= 0:
            continue
        if tick.phase != Phase.CONTINUOUS and not tick.volume:
            continue
        time = tick.time // MINUTE_NS * MINUTE_NS
        if not bars or time > bars[0]["time"]:
            empty = {"open": tick.last, "high": tick.last, "low": tick.last, "volume": 0, "turnover": 0.0}
            bars.insert(0, {"time": time, **empty})
        bar = bars[0]
        bar["high"], bar["low"], bar["close"] = max(bar["high"], tick.last), min(bar["low"], tick.last), tick.last
        bar["volume"] += tick.volume
        bar["turnover"] += tick.volume * tick.last
    return bars


@given(mornings(), st.randoms(use_true_random=False))
def test_bars_and_ticks_are_those_of_a_plain_loop_however_ticks_were_framed(ticks: list[Row], random: object) -> None:
    market = Market(most=16)
    for entry in log(ticks, cut=lambda: random.random() < 0.3):  # type: ignore[attr-defined]
        market.take(entry, decode(entry))
        if random.random() < 0.2:  # type: ignore[attr-defined]
            market.settle()
    for symbol in {tick.symbol for tick in ticks}:
        row = market.row(symbol)
        assert row is not None
        assert market.last_bars(row, 1000) == plain_bars(ticks, symbol)
        own = [tick for tick in ticks if tick.symbol == symbol][::-1]
        found = market.last_ticks(row, 1000)
        assert [(tick["n"], tick["time"], tick["last"]) for tick in found] == [
            (tick.n, tick.time, tick.last or None) for tick in own
        ]
        assert market.ticks.features_of(row) == own[0].features
    assert [quote["symbol"] for quote in market.listed()] == sorted({tick.symbol for tick in ticks})


def test_of_more_ticks_than_are_kept_the_last_ones_stay() -> None:
    market = Market()
    for entry in log(rows(200)):
        market.take(entry, decode(entry))
    row = market.row(MAUTAI)
    assert row is not None
    assert [tick["n"] for tick in market.last_ticks(row, 1000)] == list(range(200, 136, -1))
    assert [tick["n"] for tick in market.last_ticks(row, 2)] == [200, 199]


def test_of_more_bars_than_are_kept_the_last_ones_stay() -> None:
    bars = Bars(most=4, kept=3)
    market = Market()
    market.bars = bars
    for entry in log(rows(200)):  # ten minutes
        market.take(entry, decode(entry))
    row = market.row(MAUTAI)
    assert row is not None
    minutes = [bar["time"] for bar in market.last_bars(row, 1000)]
    assert minutes == [moment(f"10:0{minute}:00") for minute in (9, 8, 7)]


def test_a_tick_that_comes_late_counts_to_the_open_bar() -> None:
    market = Market()
    times = ("10:00:30", "10:01:10", "10:00:50")
    for n, text in enumerate(times, 1):
        for entry in log([Row(n=n, time=moment(text), last=10.0 + n)]):
            market.take(entry, decode(entry))
        market.settle()
    row = market.row(MAUTAI)
    assert row is not None
    assert [(bar["open"], bar["close"], bar["volume"]) for bar in market.last_bars(row, 9)] == [
        (12.0, 13.0, 200),
        (11.0, 11.0, 100),
    ]


def test_symbols_beyond_the_most_are_passed_over_and_memory_stays_bounded() -> None:
    market = Market(most=2)
    ticks = [Row(symbol=symbol) for symbol in ("600000.SH", "600001.SH", "600002.SH", "600001.SH")]
    for entry in log(ticks):
        market.take(entry, decode(entry))
    assert [quote["symbol"] for quote in market.listed()] == ["600000.SH", "600001.SH"]
    assert market.row("600002.SH") is None


def test_a_number_that_is_no_symbol_gets_no_row() -> None:
    import numpy as np

    found = SymbolRows().find(np.array([2**63 + 1, pack(MAUTAI)], np.uint64))
    assert found.tolist() == [-1, 0]


def test_columns_take_what_their_bounds_say_when_the_whole_market_is_there() -> None:
    ticks, bars = Ticks(most=8_192), Bars(most=8_192)
    assert ticks._ring.itemsize * ticks.kept * 5_551 < 40e6
    assert bars._ring.itemsize * bars.kept * 5_551 < 75e6


def test_the_clock_is_the_last_clock_entry_and_a_reset_forgets_everything() -> None:
    market = Market()
    for entry in [*log([Row(), clock("10:00:03")]), Entry(3, Kind.GAP, b"{}")]:
        market.take(entry, decode(entry))
    market.caught_up()
    assert market.clock is not None
    assert market.clock.time == moment("10:00:03")
    market.reset("replaced")
    assert (market.clock, market.listed(), market.complete) == (None, [], False)
