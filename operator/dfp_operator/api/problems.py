"""What is wrong with manifests, in words for the person who wrote them."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_SHOWN = 80
"""Characters of a value in a message: enough to find it again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair.

    Attributes:
        source: file or stream that the text came from.
        document: position in it, from 1; 0 = the text as a whole.
        resource: kind and name, as far as they could be read.
        path: field path as the user wrote it, empty = the document as a whole.
        text: the value found, what is allowed, and what was probably meant.
    """

    source: str
    document: int
    resource: str
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.source}, document {self.document}" if self.document else self.source
        return ": ".join(part for part in (place, self.resource, self.path, self.text) if part)


def path_text(path: Path) -> str:
    """`("spec", "rules", 0, "hold")` as `spec.rules[0].hold`; keys that are no plain words are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: object) -> str:
    """A value as JSON on one line, shortened; what would control a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _SHOWN:
        text = f"{text[: _SHOWN - 1]}…"
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def one_of(choices: Sequence[str]) -> str:
    """`A`, or `one of A, B, C`."""
    return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"


def did_you_mean(word: object, candidates: Iterable[str]) -> str:
    """`; did you mean X?` when one of the candidates is close, else nothing. Case, `_` and `-` do not count."""
    if not isinstance(word, str):
        return ""
    folded = {_fold(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(_fold(word[:_SHOWN]), folded, n=1)
    return f"; did you mean {folded[close[0]]}?" if close else ""


def _fold(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
