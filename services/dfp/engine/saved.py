"""An engine's state as bytes, and what becomes of the state that another revision of the strategy has left.

Fields of memory are saved by name. A new revision takes memory over only if its `Memory` has a `migrate` that says how;
without one it starts afresh and warms up from the log, because a row that means something else now would be a guess.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from dfp.contracts.errors import ContractError
from dfp.engine.cells import Cell
from dfp.sdk.scope import Scope
from dfp.sdk.state import State
from dfp.sdk.timers import Timer

Row = TypeVar("Row", bound=State)
Whole = TypeVar("Whole", bound=State)


class Saved(msgspec.Struct, Generic[Row, Whole], array_like=True):
    """The whole state; `revision` comes first, so that another one's state is recognised as such.

    Attributes:
        session: trading day, yyyymmdd.
        failures, timeouts: see `Containment`.
        marks: timer -> its mark, see `At.due`.
        cells: (packed symbol, cell).
        shared: with scope Universe the one memory.
    """

    revision: str
    session: int = 0
    failures: int = 0
    timeouts: int = 0
    marks: dict[str, int] = {}
    cells: list[tuple[int, Cell[Row]]] = []
    shared: Whole | None = None


class _Head(msgspec.Struct, array_like=True):
    """As much of it as all revisions have in common."""

    revision: str


_HEAD = msgspec.msgpack.Decoder(_Head)
_FOREIGN: Any = msgspec.msgpack.Decoder(Saved[dict[str, Any], dict[str, Any]])  # type: ignore[type-var]


def marks_of(timers: Sequence[Timer], marks: Sequence[int]) -> dict[str, int]:
    """Marks by timer. A timer with another schedule is another timer: its mark would count something else."""
    return {_key(timer): mark for timer, mark in zip(timers, marks, strict=True)}


def marks_for(timers: Sequence[Timer], saved: Mapping[str, int]) -> list[int]:
    """The marks of these timers, 0 for those that are not saved."""
    return [saved.get(_key(timer), 0) for timer in timers]


def _key(timer: Timer) -> str:
    return f"{timer.name} {timer.schedule}"


class SavedStates:
    """Reads states for one revision of a strategy.

    Args:
        memory: its memory's class.
        scope: how far a row of it reaches.
    """

    def __init__(self, revision: str, memory: type[State], scope: Scope) -> None:
        self._revision = revision
        self._memory = memory
        self._universal = scope is Scope.UNIVERSE
        row = State if self._universal else memory
        self._decoder: Any = msgspec.msgpack.Decoder(Saved[row, memory])  # type: ignore[valid-type]

    def fresh(self) -> Saved[State, State]:
        """The state of a strategy that has seen nothing."""
        return Saved(self._revision, shared=self._memory() if self._universal else None)

    def read(self, state: bytes) -> Saved[State, State]:
        """A saved state, migrated if another revision has left it.

        Raises:
            ContractError: it cannot be read, or not migrated.
        """
        try:
            if _HEAD.decode(state).revision == self._revision:
                own: Saved[State, State] = self._decoder.decode(state)
                return own
            found = _FOREIGN.decode(state)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("engine state", state[:32], f"the state of this strategy ({error})") from None
        return self._migrated(found)

    def _migrated(self, found: Any) -> Saved[State, State]:
        """The state with its memory as this revision has it. Failures were those of other code."""
        wanted = f"a state of revision {self._revision}"
        if not hasattr(self._memory, "migrate"):
            raise ContractError("engine state", found.revision, f"{wanted}; Memory has no migrate")
        if (found.shared is not None) != self._universal:
            raise ContractError("engine state", found.revision, f"{wanted}; the strategy's scope was another")
        row = self._nothing if self._universal else self._migrated_row
        cells = [
            (packed, Cell(cell.symbol, row(found.revision, cell.memory), cell.session, cell.warm_ticks, cell.last))
            for packed, cell in found.cells
        ]
        shared = self._migrated_row(found.revision, found.shared) if self._universal else None
        return Saved(self._revision, found.session, marks=found.marks, cells=cells, shared=shared)

    def _nothing(self, revision: str, old: Mapping[str, object]) -> State:
        return State()

    def _migrated_row(self, revision: str, old: Mapping[str, object]) -> State:
        try:
            row: State = self._memory.migrate(old)  # type: ignore[attr-defined]
        except Exception as error:
            raise ContractError(
                "engine state", revision, f"a state that Memory.migrate takes ({type(error).__name__}: {error})"
            ) from error
        if type(row) is not self._memory:
            raise ContractError("engine state", revision, f"Memory from Memory.migrate, which returned {row!r:.80}")
        return row
