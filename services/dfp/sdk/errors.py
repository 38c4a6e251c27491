"""The one error of a badly written or badly configured strategy."""

import difflib
from collections.abc import Iterable


class StrategyError(ValueError):
    """A strategy, or a value given to it, is not as the SDK allows; the message says what and what to do."""


def closest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for a name that is nearly one of `known`, else nothing."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
