"""The strategy SDK: the smallest surface that serves. All a strategy imports is here.

from dfp.sdk import Strategy, State, Param, Signal, Tick, Up, Down, Flat, at, every
from dfp.sdk import Signals, Ticks  # with on_batch
from dfp.sdk import Universe  # scope = Universe
"""

from dfp.sdk.batch import MemoryColumns, Signals, Ticks
from dfp.sdk.errors import StrategyError
from dfp.sdk.param import Param
from dfp.sdk.scope import Symbol, Universe
from dfp.sdk.signal import Down, Flat, Signal, Up
from dfp.sdk.state import State
from dfp.sdk.strategy import Strategy
from dfp.sdk.tick import Tick
from dfp.sdk.timers import at, every

__all__ = [
    "Down",
    "Flat",
    "MemoryColumns",
    "Param",
    "Signal",
    "Signals",
    "State",
    "Strategy",
    "StrategyError",
    "Symbol",
    "Tick",
    "Ticks",
    "Universe",
    "Up",
    "at",
    "every",
]
