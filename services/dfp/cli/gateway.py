"""Commands that ask a pipeline's gateway: their option, and errors in the words of a command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer

from dfp.local.mistake import UserMistake, refuse

UrlOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Gateway to ask instead of the server, such as http://localhost:8888.")
]

OPTIONS = {"url": "--url", "target": "TARGET", "reason": "--reason"}
"""Field of a refusal -> where a person gave it."""


@contextmanager
def in_words() -> Iterator[None]:
    """Errors of the client are those of the person who typed the command.

    Raises:
        UserMistake: instead of a `ClientError`.
    """
    from dfp.client import ClientError, Refused

    try:
        yield
    except ClientError as error:
        if isinstance(error, Refused) and error.field in OPTIONS:
            refuse(OPTIONS[error.field], error.value, error.allowed)
        raise UserMistake(str(error)) from None
