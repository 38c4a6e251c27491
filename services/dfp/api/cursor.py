"""Cursors of lists: where a page ended, so that the next one begins strictly behind it whatever has come meanwhile.

Clients hand them back as they got them. Inside are a version, the list and the number of the last entry.
"""

import re

VERSION = "v1"

_SHAPE = re.compile(r"(v[0-9]+)\.([a-z_]+)\.(0|[1-9][0-9]{0,17})")


class CursorError(ValueError):
    """A text is no cursor of this list; the message says what is."""


def encode(collection: str, seq: int) -> str:
    """The cursor behind entry `seq` of a list."""
    return f"{VERSION}.{collection}.{seq}"


def pattern(collection: str) -> str:
    """What cursors of a list look like, as a regular expression."""
    return rf"^{VERSION}\.{collection}\.(0|[1-9][0-9]{{0,17}})$"


def decode(collection: str, cursor: str) -> int:
    """The entry behind which to go on.

    Raises:
        CursorError: of another version or another list, or not a cursor at all.
    """
    found = _SHAPE.fullmatch(cursor)
    if found is None:
        raise CursorError("a cursor as `next` gave it, unchanged")
    version, named, seq = found.groups()
    if version != VERSION:
        raise CursorError(f"a cursor of version {VERSION}, not {version[:10]}; begin again without a cursor")
    if named != collection:
        raise CursorError(f"a cursor of {collection}, not of {named[:20]}")
    return int(seq)
