"""The files that `dfp strategy new` writes: a strategy that works, its test, and its manifest."""

import keyword
from pathlib import Path

from dfp.sdk import __all__ as sdk_names

_STRATEGY = '''\
"""Say here why the price should move, and for how long."""

from collections.abc import Iterator

from dfp.sdk import Flat, Param, Signal, State, Strategy, Tick, Up


class {kind}(Strategy):
    """Up after a strong move, Flat when it is lost again: replace this by your own idea."""

    needs = ("return_20",)
    warmup = "20 ticks"
    threshold: float = Param(0.005, gt=0, doc="return over 20 ticks at which a view is opened")
    horizon: str = Param("10m", doc="trading time: 11:25 + 10m = 13:05")

    class Memory(State):
        """What is remembered of each symbol."""

        open: bool = False

    def on_tick(self, tick: Tick, memory: Memory) -> Iterator[Signal]:
        """Called for each tick; a value that is absent is NaN, and no comparison with NaN is true."""
        if not tick.continuous:
            return
        if not memory.open and tick.return_20 > self.threshold:
            memory.open = True
            yield Signal(Up, confidence=0.6, strength=50, horizon=self.horizon, reason="{{return_20:+.2%}} in 20 ticks")
        elif memory.open and tick.return_20 < 0:
            memory.open = False
            yield Signal(Flat, reason="the move is lost")
'''

_TEST = '''\
"""When {name} speaks, and when it keeps silent."""

from pathlib import Path

from dfp.contracts.signal import Direction
from dfp.engine.loader import load
from dfp.market.phases import Phase
from dfp.sdk import Signal, Tick
from dfp.sdk.tick import tick_type

KIND = load(f"file:{{Path(__file__).with_name('{module}.py')}}:{kind}").kind


def tick(n: int, return_20: float, continuous: bool = True) -> Tick:
    made = tick_type("{kind}", KIND.definition.needs)
    return made(
        symbol="600000.SH",
        n=n,
        time=1_654_048_800_000_000_000 + 3_000_000_000 * n,  # 2022-06-01 10:00:00 in Shanghai, a tick each 3 s
        session=20220601,
        phase=Phase.CONTINUOUS if continuous else Phase.LUNCH,
        continuous=continuous,
        last=10.0,
        volume=100,
        turnover=1000.0,
        bid1=9.99,
        ask1=10.01,
        bid1_volume=300,
        ask1_volume=100,
        pre_close=9.9,
        limit_up=10.89,
        limit_down=8.91,
        return_20=return_20,
    )


def said(*ticks: Tick, **parameters: object) -> list[Signal]:
    strategy = KIND(**parameters)
    memory = KIND.definition.memory()
    return [signal for one in ticks for signal in strategy.on_tick(one, memory) or ()]


def test_a_strong_move_is_up_once() -> None:
    (signal,) = said(tick(1, 0.006), tick(2, 0.007))
    assert signal.direction is Direction.UP


def test_the_view_ends_when_the_move_is_lost() -> None:
    assert [signal.direction for signal in said(tick(1, 0.006), tick(2, -0.001))] == [Direction.UP, Direction.FLAT]


def test_otherwise_it_keeps_silent() -> None:
    assert said(tick(1, 0.004), tick(2, float("nan")), tick(3, 0.006, continuous=False)) == []


def test_the_threshold_is_a_parameter() -> None:
    assert said(tick(1, 0.006), threshold=0.01) == []
'''

_MANIFEST = """\
# On one machine: dfp up -f {folder}
# On a cluster:   dfp strategy render {folder} | kubectl apply -f -
apiVersion: dongfengpo.io/v1alpha1
kind: Strategy
metadata:
  name: {name}
spec:
  mode: Shadow  # its signals are recorded and count for nothing, until this is Live
  code:
    configMap: {{name: {name}-code, key: {module}.py}}
    entryPoint: "{module}:{kind}"
  parameters:
    threshold: 0.005
    horizon: 10m
"""


def scaffold(name: str, folder: Path) -> dict[Path, str]:
    """File -> content.

    Args:
        name: of the Strategy resource: lower case, words joined by `-`.
        folder: where the files will lie.
    """
    module = name.replace("-", "_")
    kind = "".join(word.capitalize() for word in name.split("-"))
    if keyword.iskeyword(kind) or kind in sdk_names:
        kind += "Strategy"
    values = {"name": name, "module": module, "kind": kind, "folder": folder}
    return {
        folder / f"{module}.py": _STRATEGY.format(**values),
        folder / f"test_{module}.py": _TEST.format(**values),
        folder / "strategy.yaml": _MANIFEST.format(**values),
    }
