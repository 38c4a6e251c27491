"""How clients are sent away before a restart: never all at once, as they would all come back at once."""

import math

STEP_S = 0.01
"""Between two groups of clients; a few clients one by one are gone in no time."""


def step_size(clients: int, seconds: float) -> int:
    """Clients that are closed in each step, so that all of them are within `seconds`."""
    return math.ceil(clients / max(1, math.floor(seconds / STEP_S)))
