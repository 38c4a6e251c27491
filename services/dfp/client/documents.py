"""Answers of the API that are no documents of the log. Fields that a later version adds are passed over."""

from typing import Any

import msgspec

from dfp.contracts.risk import Halt


class Version(msgspec.Struct, frozen=True):
    """Which program answers, and where its ticks come from (None: not known)."""

    name: str
    version: str
    feed: str | None


class Halted(msgspec.Struct, frozen=True):
    """The halt that holds, and whether it is new: otherwise somebody halted before."""

    halt: Halt
    new: bool


class StrategyStatus(msgspec.Struct, frozen=True):
    """How a strategy fares.

    Attributes:
        mode: Live or Shadow; None, like the next two, for one that never said what it runs.
        revision: of code, parameters, universe and group together; signals carry it.
        parameters: all of them, defaults included.
        running: whether an engine runs it, and `owner` which.
        halted: whether it, or the pipeline, is halted.
        behind: entries of its inputs that it has not taken yet.
        last_signal: as-of of its last signal, UTC nanoseconds.
    """

    name: str
    mode: str | None
    revision: str | None
    parameters: dict[str, Any] | None
    running: bool
    owner: str | None
    halted: bool
    behind: int
    counters: dict[str, int]
    last_signal: int | None
