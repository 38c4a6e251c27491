"""Answers of the API that are no documents of the log. Fields that a later version adds are passed over."""

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
    """How a strategy fares."""

    name: str
