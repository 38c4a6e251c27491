"""The hook by which an installation decides who may connect: a function of its own, named in the settings."""

import importlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

Authorize: TypeAlias = Callable[[str, Mapping[str, str]], str | None]
"""Called in the handshake with the path, query included, and the headers, whose names are in lower case. It answers
None when the client may connect, else a text for it that says why not. It must not block: all clients wait for it."""

EXPECTED = "package.module:function of a function (path, headers) that can be imported"


def everyone(path: str, headers: Mapping[str, str]) -> str | None:
    """The default: authentication is the gateway's business."""
    return None


def load(text: str) -> Authorize:
    """The function named in the settings; empty means everyone.

    Raises:
        ValueError: there is no such function; the message says what is missing.
    """
    if not text:
        return everyone
    module, colon, name = text.partition(":")
    if not (colon and module and name):
        raise ValueError(f"expected {EXPECTED}")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # the module is not ours: importing it may raise anything
        raise ValueError(f"expected {EXPECTED} ({error})") from None
    if not callable(found):
        raise ValueError(f"expected {EXPECTED} ({name} is no function)")
    authorize: Authorize = found
    return authorize
