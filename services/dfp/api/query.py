"""What queries are made of: types that say what they allow, and pages of lists."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from dfp.api import cursor as cursors
from dfp.market import symbols

SYMBOL_PATTERN = r"^([0-9]{6}\.([Ss][HhZz]|[Bb][Jj])|[A-Za-z]{1,2}[0-9]{4}\.[Cc][Ff])$"
STRATEGY_PATTERN = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"


def _whole(value: object) -> object:
    """Digits and nothing else: pydantic would also take `1.0` and `1_000`."""
    if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 20):
        raise ValueError("; expected an integer, digits only")
    return value


def _symbol(text: str) -> str:
    if text != text.strip():
        raise ValueError(f"; expected {symbols.ALLOWED}")
    return symbols.normalize(text)


def _truth(value: object) -> object:
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("; expected true or false")
    return value


Truth = Annotated[bool, BeforeValidator(_truth)]
Symbol = Annotated[str, AfterValidator(_symbol), Field(json_schema_extra={"pattern": SYMBOL_PATTERN})]
Strategy = Annotated[str, Field(pattern=STRATEGY_PATTERN)]
Time = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_whole)]
Limit = Annotated[int, Field(ge=1, le=1000, description="entries at most"), BeforeValidator(_whole)]

SINCE = Field(default=None, description="UTC nanoseconds; from this as-of on")
UNTIL = Field(default=None, description="UTC nanoseconds; before this as-of")


class Numbered(Protocol):
    """An entry of a list."""

    @property
    def seq(self) -> int:
        """Its number in its stream."""

    @property
    def payload(self) -> bytes:
        """Its JSON."""


E = TypeVar("E", bound=Numbered)


def cursor_of(collection: str) -> Any:
    """The field `cursor` of a list."""
    return Field(
        default=None,
        description="`next` of the page before, unchanged: go on strictly behind it",
        json_schema_extra={"pattern": cursors.pattern(collection)},
    )


class Page(BaseModel):
    """A piece of a list, newest first. Several filters are combined with "and".

    Attributes:
        COLLECTION: the list's name, in answers and cursors.
    """

    COLLECTION: ClassVar[str]

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 100
    cursor: str | None = None

    @field_validator("cursor")
    @classmethod
    def _is_of_this_list(cls, cursor: str | None) -> str | None:
        if cursor is not None:
            cursors.decode(cls.COLLECTION, cursor)
        return cursor

    def take(self, newest_first: Iterator[E], passes: Callable[[E], bool]) -> tuple[list[E], str | None]:
        """The entries of this page, and the cursor of the next one; None when this is the last."""
        before = None if self.cursor is None else cursors.decode(self.COLLECTION, self.cursor)
        found: list[E] = []
        for entry in newest_first:
            if (before is not None and entry.seq >= before) or not passes(entry):
                continue
            if len(found) == self.limit:
                return found, cursors.encode(self.COLLECTION, found[-1].seq)
            found.append(entry)
        return found, None


def between(time: int, since: int | None, until: int | None) -> bool:
    """Whether a time lies in [since, until)."""
    return (since is None or time >= since) and (until is None or time < until)
