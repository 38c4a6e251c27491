"""What an engine says of the strategy that it runs, for people and for the doors."""

from typing import Any

from dfp.contracts.codec import Document


class RunningStrategy(Document, frozen=True):
    """Written whenever an engine starts; whether it still runs is what its lease says.

    Attributes:
        mode: Live or Shadow.
        revision: of code, parameters, universe and group together; signals carry it.
        group: strategies of one group count as one witness; empty = a group of its own.
        parameters: all of them, defaults included.
        universe: as in the manifest; empty = every symbol.
        instance: who runs it.
        since: wall clock of the start, UTC nanoseconds.
    """

    name: str
    mode: str
    revision: str
    group: str
    parameters: dict[str, Any]
    universe: dict[str, Any]
    instance: str
    since: int
