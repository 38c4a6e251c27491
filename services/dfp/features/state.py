"""The saved state of the feature stage: step by step, so that another feature set can take from it what it shares.

A saved state comes from a server, and the kernel checks no index. So everything that the kernel uses as a place is
checked here, and a state that does not fit is refused before anything of it is used.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dfp.contracts.errors import ContractError
from dfp.features.catalog import MAX_WINDOW
from dfp.features.program import COUNT, EXTREME_AT, FIRST_WORD, HEAD, LENGTH, TICKS, Block, Op

VERSION = 2


class TableState(msgspec.Struct, array_like=True, frozen=True):
    """State of all symbols, column by column.

    Attributes:
        partial: see `dfp.features.table.Table`.
        ring: prices kept of each symbol, a power of two.
        symbols: uint64 code of each row.
        heads: int64 [rows, FIRST_WORD].
        prices: int32 [rows, ring].
        blocks: step -> its int64 words and its int32 deques, [rows, …] both.
    """

    version: int
    partial: int
    ring: int
    symbols: bytes
    heads: bytes
    prices: bytes
    blocks: dict[str, tuple[bytes, bytes]]


def symbols_of(state: TableState) -> npt.NDArray[np.uint64]:
    """The code of each row.

    Raises:
        ContractError: the state is of another version, or a code is not a symbol's or stands there twice.
    """
    if state.version != VERSION:
        raise ContractError("feature state", state.version, f"version {VERSION}")
    if len(state.symbols) % 8:
        raise ContractError("feature state.symbols", len(state.symbols), "a multiple of 8 bytes")
    symbols = np.frombuffer(state.symbols, np.uint64)
    if (symbols == 0).any() or len(np.unique(symbols)) != len(symbols):
        raise ContractError("feature state.symbols", len(symbols), "each symbol once")
    return symbols


def heads_of(state: TableState, rows: int) -> npt.NDArray[np.int64]:
    """The first words of each row, [rows, FIRST_WORD].

    Raises:
        ContractError: they do not fit.
    """
    heads = _matrix("heads", state.heads, np.int64, rows, FIRST_WORD)
    if (heads[:, COUNT] < 0).any():
        raise ContractError("feature state.heads", int(heads[:, COUNT].min()), "a count of ticks")
    return heads


def prices_of(state: TableState, counts: npt.NDArray[np.int64], ring: int) -> npt.NDArray[np.int32]:
    """The price ring of each row, [rows, ring]: as many of the latest prices as both rings hold.

    Args:
        counts: ticks of each row.

    Raises:
        ContractError: they do not fit.
    """
    if not 0 < state.ring <= MAX_WINDOW or state.ring & (state.ring - 1):
        raise ContractError("feature state.ring", state.ring, f"a power of two up to {MAX_WINDOW}")
    saved = _matrix("prices", state.prices, np.int32, len(counts), state.ring)
    if state.ring == ring:
        return saved
    prices = np.zeros((len(counts), ring), np.int32)
    latest = np.arange(-min(state.ring, ring), 0)
    for row, count in enumerate(counts):
        prices[row, (count + latest) & (ring - 1)] = saved[row, (count + latest) & (state.ring - 1)]
    return prices


def block_of(
    state: TableState, block: Block, counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Words and deques of a step, [rows, …]: as saved, or zero for a step that the state does not have.

    Raises:
        ContractError: they do not fit.
    """
    rows, words, long = len(counts), block.words.stop - block.words.start, block.long.stop - block.long.start
    if block.name not in state.blocks:
        return np.zeros((rows, words), np.int64), np.zeros((rows, long), np.int32)
    saved = state.blocks[block.name]
    word = _matrix(block.name, saved[0], np.int64, rows, words)
    queue = _matrix(block.name, saved[1], np.int32, rows, long)
    if ((word[:, TICKS] < 0) | (word[:, TICKS] > counts)).any():
        raise ContractError(f"feature state.{block.name}", int(word[:, TICKS].max()), "ticks that the symbol had")
    if block.op in (Op.RANGE_HIGH, Op.RANGE_LOW):
        for row, count in enumerate(counts.tolist()):
            _check_deque(block, word[row], queue[row], count)
    return word, queue


def _check_deque(block: Block, word: npt.NDArray[np.int64], queue: npt.NDArray[np.int32], count: int) -> None:
    ticks, first, head, length = (int(word[place]) for place in (TICKS, EXTREME_AT, HEAD, LENGTH))
    if ticks == length == 0 <= head < block.window:
        return
    if 0 <= head < block.window and 0 < length <= min(ticks, block.window):
        indices = queue[(head + np.arange(length)) % block.window]
        rising = (np.diff(indices) > 0).all()
        if rising and indices[0] == first >= count - min(ticks, block.window) and indices[-1] == count - 1:
            return
    raise ContractError(f"feature state.{block.name}", (head, length), f"a deque of the last {block.window} ticks")


def _matrix(name: str, data: bytes, dtype: type[Any], rows: int, columns: int) -> npt.NDArray[Any]:
    expected = rows * columns * np.dtype(dtype).itemsize
    if len(data) != expected:
        raise ContractError(f"feature state.{name}", len(data), f"{expected} bytes")
    return np.frombuffer(data, dtype).reshape(rows, columns)
