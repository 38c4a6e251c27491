"""What `on_batch` needs around it: batches without repeated symbols, memory as columns, signals as statements."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from dfp.contracts.signal import Signal as Statement
from dfp.engine.cells import Cell
from dfp.engine.containment import MAX_SIGNALS, Flooded
from dfp.engine.statement import Author
from dfp.sdk.batch import Column, MemoryColumns, Signals
from dfp.sdk.errors import StrategyError
from dfp.sdk.state import State
from dfp.sdk.tick import Tick

Place = tuple[int, Cell[State]]
"""Row of a frame, and the cell of its symbol."""

_DTYPES: Mapping[object, type] = {bool: np.bool_, int: np.int64, float: np.float64, str: np.object_}


def without_repeats(found: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """The rows in order, cut wherever a symbol comes again."""
    if len({cell.symbol for _, cell in found}) == len(found):  # one wave of the market
        yield found
        return
    start = 0
    seen: set[str] = set()
    for position, (_, cell) in enumerate(found):
        if cell.symbol in seen:
            yield found[start:position]
            start = position
            seen.clear()
        seen.add(cell.symbol)
    yield found[start:]


class Columns:
    """Memory rows as columns, and back.

    Args:
        strategy: class name, for messages.
        memory: class of the rows.
    """

    def __init__(self, strategy: str, memory: type[State]) -> None:
        self._strategy = strategy
        self._dtypes = {field.name: _DTYPES[field.type] for field in msgspec.structs.fields(memory)}

    def gather(self, found: Sequence[Place]) -> dict[str, Column]:
        """A copy of the rows, column by column."""
        return {
            name: np.array([getattr(cell.memory, name) for _, cell in found], dtype)
            for name, dtype in self._dtypes.items()
        }

    def shown(self, columns: Mapping[str, Column]) -> MemoryColumns:
        """The columns as the handler sees them."""
        return MemoryColumns(self._strategy, columns)

    def scatter(self, before: Mapping[str, Column], after: Mapping[str, Column], found: Sequence[Place]) -> None:
        """Write back what has changed.

        Raises:
            StrategyError: a value that memory cannot hold; then nothing was written.
        """
        changed = [(name, after[name], np.flatnonzero(_differs(before[name], after[name]))) for name in after]
        rows = {index: found[index][1].memory.__copy__() for *_, indices in changed for index in indices.tolist()}
        for name, column, indices in changed:
            for index in indices.tolist():
                setattr(rows[index], name, column[index : index + 1].tolist()[0])
        for index, memory in rows.items():
            found[index][1].memory = memory


def _differs(before: Column, after: Column) -> Column:
    if before.dtype == np.float64:  # bit by bit: NaN equals itself, and zero has a sign
        before, after = before.view(np.int64), after.view(np.int64)
    changed: Column = before != after
    return changed


def statements(
    produced: Any, warm: Sequence[bool], author: Author, trigger: Callable[[int], Tick]
) -> tuple[list[Statement], int]:
    """What a batch said, in the order of its rows, and how many signals came from rows that are not warm.

    Args:
        warm: whether each row's output counts.
        trigger: the tick of a row.

    Raises:
        StrategyError: not `Signals`, or of a row that is not there.
        Flooded: too many of one row.
    """
    if produced is None:
        return [], 0
    if not isinstance(produced, Signals):
        raise StrategyError(f"on_batch returned {produced!r:.80}; expected Signals(rows, …) or None")
    said: Counter[int] = Counter()
    found: list[Statement] = []
    for row, signal in produced.each():
        if not 0 <= row < len(warm):
            raise StrategyError(f"Signals.rows has {row}; expected rows of the batch, 0 to {len(warm) - 1}")
        if said[row] == MAX_SIGNALS:
            raise Flooded(f"the handler gave more than {MAX_SIGNALS} signals for one tick")
        if warm[row]:
            found.append(author.state(signal, trigger(row), said[row]))
        said[row] += 1
    return found, said.total() - len(found)
