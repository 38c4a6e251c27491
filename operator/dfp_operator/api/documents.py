"""YAML text to plain values, with the few parts of YAML that manifests need.

PyYAML's own loader is not used beyond its event stream, because it reads `10:30` as 630 and `2024-06-01` as a date
(kubectl reads text), keeps the last of two equal keys without a word, and expands aliases, by which a kilobyte
becomes a gigabyte.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from dfp_operator.api.problems import Path, shown

MAX_CHARACTERS = 2_097_152
"""Characters of one file. A ConfigMap may hold 1 MiB, so this is room for the largest one and a Strategy beside it."""

MAX_DEPTH = 32
"""Levels of nesting. A Strategy has eight, and parameters are free; deeper text is a mistake or an attack."""

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {
    spelling: value
    for words, value in (("true yes on", True), ("false no off", False))
    for word in words.split()
    for spelling in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")  # 000001 stays text: it is a symbol that lost its market
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file.

    Attributes:
        number: position in the file, from 1.
        value: what it holds; of two equal keys the first.
        problems: field path and text of what YAML allows and manifests do not.
    """

    number: int
    value: Value
    problems: tuple[tuple[Path, str], ...]


class UnreadableError(ValueError):
    """The text cannot be read any further: not YAML, or YAML of a kind that is refused."""

    def __init__(self, document: int, text: str) -> None:
        self.document = document
        super().__init__(text)


def documents(text: str) -> Iterator[Document]:
    """The documents of a file; empty ones are left out, but count.

    Raises:
        UnreadableError: after the documents that could be read.
    """
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError(
            0, f"{len(text)} characters are too many; expected at most {MAX_CHARACTERS}: split the file"
        )
    reader = _Reader(text)
    while reader.next_document():
        value = reader.value((), reader.event())
        if value is not None:
            yield Document(reader.number, value, tuple(reader.problems))


class _Reader:
    """Walks over YAML events and builds values."""

    def __init__(self, text: str) -> None:
        self.number = 0
        self.problems: list[tuple[Path, str]] = []
        self._events = yaml.parse(text, Loader=yaml.SafeLoader)

    def next_document(self) -> bool:
        """Go to the start of the next document, if there is one."""
        while not isinstance(event := self.event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self.number += 1
                self.problems = []
                return True
        return False

    def event(self) -> yaml.Event:
        try:
            event: yaml.Event = next(self._events)
        except yaml.MarkedYAMLError as error:
            line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
            raise UnreadableError(self.number, f"{line}not YAML: {error.problem or error.context}") from None
        except yaml.reader.ReaderError as error:
            raise UnreadableError(
                self.number, f"position {error.position}: character U+{error.character:04X} is not allowed in YAML"
            ) from None
        except (ValueError, OverflowError):
            # PyYAML lets them out for \U escapes beyond Unicode and for huge %YAML versions.
            raise UnreadableError(self.number, "not YAML: a number in an escape or directive is too large") from None
        return event

    def value(self, path: Path, event: yaml.Event) -> Value:
        if len(path) > MAX_DEPTH:
            raise self._unreadable(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            raise self._unreadable(event, f"alias *{event.anchor} is not allowed; write the value out")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise self._unreadable(event, "tags (!…) are not allowed; quote a value to make it text")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, yaml.ScalarEvent)
        return self._scalar(path, event)

    def _mapping(self, path: Path) -> Value:
        found: dict[str, Value] = {}
        while not isinstance(event := self.event(), yaml.MappingEndEvent):
            key = self.value(path, event)
            if not isinstance(key, str):
                self.problems.append((path, f"key {shown(key)} is not allowed; expected text: quote it"))
                self.value((*path, shown(key)), self.event())
                continue
            value = self.value((*path, key), self.event())
            if key in found:
                line = _line(event)
                self.problems.append(
                    ((*path, key), f"{shown(value)} is the second value, on line {line}; expected one")
                )
            else:
                found[key] = value
        return found

    def _sequence(self, path: Path) -> Value:
        items: list[Value] = []
        while not isinstance(event := self.event(), yaml.SequenceEndEvent):
            items.append(self.value((*path, len(items)), event))
        return items

    def _scalar(self, path: Path, event: yaml.ScalarEvent) -> Value:
        try:
            # JSON writes characters beyond U+FFFF as two escapes, which PyYAML leaves apart.
            text = event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._unreadable(
                event, "half of a surrogate pair is not allowed; write the character itself"
            ) from None
        if not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEAN:
            return _BOOLEAN[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            if not math.isfinite(number):
                self.problems.append((path, f"{text} is not allowed; expected a finite number"))
                return None
            return number
        return text

    def _unreadable(self, event: yaml.Event, text: str) -> UnreadableError:
        return UnreadableError(self.number, f"line {_line(event)}: {text}")


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1
