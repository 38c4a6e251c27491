"""Which symbols a strategy sees."""

import enum
from typing import Annotated, Self

from pydantic import Field, model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.model import Model
from dfp_operator.api.values import Symbol

MAX_TERMS = 32
"""Terms of one list; a universe that needs more is a list of symbols."""

MAX_SYMBOLS = 8_000
"""Symbols in a universe. The whole market has 5,551; and a universe travels as one environment variable, for which
Linux allows 128 KiB: 8,000 symbols of 12 characters and their quotes stay below."""


class Board(enum.StrEnum):
    """Boards of the three exchanges."""

    MAIN = "Main"
    STAR = "STAR"
    CHINEXT = "ChiNext"
    BEIJING = "Beijing"


class Status(enum.StrEnum):
    """Special treatment: ST and *ST shares."""

    ST = "ST"


class Term(Model):
    """A set of symbols; exactly one of its fields is given."""

    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=MAX_SYMBOLS)] | None = None
    """These symbols."""

    board: Board | None = None
    """All shares of a board."""

    index: Symbol | None = None
    """The members of an index, on the session's date."""

    status: Status | None = None
    """Shares with this status, on the session's date."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        self.exactly_one_of("symbols", "board", "index", "status")
        return self


class Universe(Model):
    """Include minus exclude."""

    include: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS)] = ()
    """Symbols of any of these terms; no term means every symbol."""

    exclude: Annotated[tuple[Term, ...], Field(max_length=MAX_TERMS)] = ()
    """Less the symbols of any of these terms."""

    @model_validator(mode="after")
    def _fits_into_the_environment(self) -> Self:
        count = sum(len(term.symbols or ()) for term in (*self.include, *self.exclude))
        if count > MAX_SYMBOLS:
            raise ContractError("", f"{count} symbols", f"at most {MAX_SYMBOLS} in include and exclude together")
        return self
