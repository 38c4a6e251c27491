"""How long to wait before the next try."""

import random

FIRST_S = 0.1
LONGEST_S = 5.0


def pause_s(failures: int) -> float:
    """Seconds to wait after the `failures`-th failure in a row, counted from 1.

    They double, and up to half of them is left to chance, so that many clients do not come back at the same instant.
    """
    full: float = min(FIRST_S * 2 ** min(failures - 1, 30), LONGEST_S)
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret
