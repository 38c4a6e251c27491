"""The one error that is the user's to mend: a message and exit code 2, never a stack trace."""

from pathlib import Path
from typing import NoReturn


class UserMistake(Exception):
    """The message names what is wrong, its value, what is allowed and, where it is not obvious, what to do."""


def refuse(field: str, value: object, allowed: str) -> NoReturn:
    """Refuse a value that a person gave.

    Raises:
        UserMistake: always.
    """
    shown = str(value) if isinstance(value, Path) else repr(value)
    raise UserMistake(f"{field}: {shown} is not allowed; expected {allowed}")
