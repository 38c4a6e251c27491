"""Tables that grow by rows. Memory that was never written to costs nothing, so they grow in large steps."""

from typing import Any

import numpy as np
import numpy.typing as npt


def grown(table: npt.NDArray[Any], rows: int, most: int) -> npt.NDArray[Any]:
    """The table with at least so many rows: itself, or a copy with zeros behind.

    Args:
        most: rows that there will ever be.
    """
    if rows <= len(table):
        return table
    larger = np.zeros((min(most, max(rows, 4 * len(table), 256)), *table.shape[1:]), table.dtype)
    larger[: len(table)] = table
    return larger
