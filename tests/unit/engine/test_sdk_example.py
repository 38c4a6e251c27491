"""The example of the SDK's design, word for word."""

from pathlib import Path

import pytest

from dfp.contracts.signal import Direction
from dfp.engine.loader import load
from dfp.sdk import StrategyError
from feature_log import Row, clock, engine, log, rows, run, signals

EXAMPLE = '''
from dfp.sdk import Strategy, State, Param, Signal, Up, Flat, at

class Breakout(Strategy):
    """Price leaves its recent range upward on unusual volume."""
    needs = ("range_high_400", "volume_ratio", "room_to_limit_up")   # features; checked at load
    warmup = "400 ticks"             # silent until then; `dfp strategy check` proves that it is enough
    min_ratio: float = Param(2.0, gt=0, doc="volume against its usual volume at this minute")
    horizon: str = Param("10m", doc="trading time: 11:25 + 10m = 13:05")

    class Memory(State):             # one typed row a symbol: saved, restored, migrated by the engine
        entry: float = 0.0           # 0 = no open view

    def on_tick(self, tick, memory):
        if not tick.continuous or tick.room_to_limit_up < 0.005:
            return
        if not memory.entry and tick.last > tick.range_high_400 and tick.volume_ratio > self.min_ratio:
            memory.entry = tick.last
            yield Signal(Up, confidence=0.6, strength=min(100, 20 * tick.volume_ratio),
                         horizon=self.horizon, reason="{last} above range {range_high_400}")
        elif memory.entry and tick.last < 0.98 * memory.entry:
            memory.entry = 0.0
            yield Signal(Flat, reason="2 % below entry")

    @at("14:55")                     # exchange time from the log's clock: the same live and in backtest
    def before_close(self, symbol, memory, now):
        memory.entry = 0.0
'''

FEATURES = {"range_high_400": 10.0, "volume_ratio": 2.5, "room_to_limit_up": 0.05}


@pytest.fixture
def code(tmp_path: Path) -> str:
    path = tmp_path / "breakout.py"
    path.write_text(EXAMPLE, encoding="utf-8")
    return f"file:{path}:Breakout"


def test_the_example_speaks_as_it_is_written(code: str) -> None:
    core = engine(load(code).kind())
    warm = rows(400, start="09:30:00", features=FEATURES)
    up = Row(n=401, last=10.05, features=FEATURES)
    flat = Row(n=402, last=9.8, features=FEATURES)
    again = Row(n=403, last=10.06, features=FEATURES)
    said = signals(run(core, log([*warm, up, flat, again, clock("14:55:00"), Row(n=404, last=9.0, features=FEATURES)])))
    assert [signal.direction for signal in said] == [Direction.UP, Direction.FLAT, Direction.UP]
    assert said[0].reason == "10.05 above range 10"
    assert said[0].strength == 50.0


def test_its_warm_up_is_silent(code: str) -> None:
    core = engine(load(code).kind())
    early = rows(399, start="09:30:00", features=FEATURES)
    assert signals(run(core, log([*early, Row(n=400, last=10.05, features=FEATURES)]))) == []


def test_its_parameters_are_checked(code: str) -> None:
    kind = load(code).kind
    with pytest.raises(StrategyError, match=r"Breakout\.min_ratio = 0 is not allowed; expected a float > 0"):
        kind(min_ratio=0)
    with pytest.raises(StrategyError, match=r"did you mean 'min_ratio'"):
        kind(min_ration=2)
