"""Which revisions a client wants, and the one more by which an opportunity leaves what it wants."""

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.signal import Direction
from dfp.market import symbols as market_symbols

MOST_SYMBOLS = 10_000
MOST_STRATEGIES = 100
LONGEST_STRATEGY = 100

V = TypeVar("V", State, Direction)


@dataclass(frozen=True, slots=True)
class Traits:
    """What filters look at in a revision."""

    symbol: str
    side: Direction
    state: State
    confidence: float
    strategies: tuple[str, ...]


def traits(opportunity: Opportunity) -> Traits:
    """Of one revision."""
    strategies = tuple(member.strategy for member in opportunity.members)
    return Traits(opportunity.symbol, opportunity.side, opportunity.state, opportunity.confidence, strategies)


@dataclass(frozen=True, slots=True)
class Change:
    """A revision and the one before.

    Attributes:
        before: None when there was none, or when it is not known any more.
        first: whether there was none.
    """

    now: Traits
    before: Traits | None
    first: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Restrictions of one client; None and 0.0 restrict nothing. Equal filters are equal objects in a dict.

    Attributes:
        symbols: sorted. Of all fields it is the one that a client can make large: a tuple of them takes a third of what
            a set would.
        alerts: whether risk alerts are wanted too.
    """

    symbols: tuple[str, ...] | None = None
    strategies: tuple[str, ...] | None = None
    sides: tuple[Direction, ...] | None = None
    states: tuple[State, ...] | None = None
    min_confidence: float = 0.0
    alerts: bool = False

    @property
    def restricts(self) -> bool:
        """Whether there is anything that does not pass."""
        return replace(self, alerts=False) != EVERYTHING

    def passes(self, found: Traits) -> bool:
        """Whether a revision is wanted."""
        return (
            self._concerns(found)
            and found.confidence >= self.min_confidence
            and (self.states is None or found.state in self.states)
            and (self.strategies is None or not set(self.strategies).isdisjoint(found.strategies))
        )

    def tells(self, change: Change) -> bool:
        """Whether a client is told: the revision passes, or the one before did and the client has to drop it.

        Where the one before is not known the client is told, once too often rather than never.
        """
        if self.passes(change.now):
            return True
        if change.before is None:
            return not change.first and self._concerns(change.now)
        return self.passes(change.before)

    def _concerns(self, found: Traits) -> bool:
        """By what never changes in the life of an opportunity."""
        if self.sides is not None and found.side not in self.sides:
            return False
        if self.symbols is None:
            return True
        place = bisect.bisect_left(self.symbols, found.symbol)
        return place < len(self.symbols) and self.symbols[place] == found.symbol


EVERYTHING = Filter()


def make(
    symbols: Iterable[str] | None = None,
    strategies: Iterable[str] | None = None,
    sides: Iterable[str] | None = None,
    states: Iterable[str] | None = None,
    min_confidence: float = 0.0,
    alerts: bool = False,
) -> Filter:
    """The filter that a client asked for.

    Raises:
        ContractError: names the field, the value and what is allowed.
    """
    if not (math.isfinite(min_confidence) and 0.0 <= min_confidence <= 1.0):
        raise ContractError("min_confidence", min_confidence, "a number from 0 to 1")
    return Filter(
        None if symbols is None else _symbols(symbols),
        None if strategies is None else _strategies(strategies),
        None if sides is None else _values("sides", sides, Direction),
        None if states is None else _values("states", states, State),
        min_confidence,
        alerts,
    )


def _symbols(given: Iterable[str]) -> tuple[str, ...]:
    found = set()
    for text in given:
        try:
            found.add(market_symbols.normalize(text))
        except market_symbols.SymbolError:
            raise ContractError("symbols", text, market_symbols.ALLOWED) from None
        if len(found) > MOST_SYMBOLS:
            raise ContractError("symbols", f"more than {MOST_SYMBOLS}", f"at most {MOST_SYMBOLS} symbols")
    if not found:
        raise ContractError("symbols", [], "at least one symbol; without the field all of them pass")
    return tuple(sorted(found))


def _strategies(given: Iterable[str]) -> tuple[str, ...]:
    found = sorted(set(given))
    if not 1 <= len(found) <= MOST_STRATEGIES:
        raise ContractError("strategies", f"{len(found)} names", f"1 to {MOST_STRATEGIES}; without the field all pass")
    for name in found:
        if not 1 <= len(name) <= LONGEST_STRATEGY:
            raise ContractError("strategies", name, f"names of 1 to {LONGEST_STRATEGY} characters")
    return tuple(found)


def _values(field: str, given: Iterable[str], kind: type[V]) -> tuple[V, ...]:
    allowed = {value.value: value for value in kind}
    found = set(given)
    for text in found:
        if text not in allowed:
            raise ContractError(field, text, f"one or more of {', '.join(allowed)}")
    if not found:
        raise ContractError(field, [], f"one or more of {', '.join(allowed)}; without the field all pass")
    return tuple(value for text, value in allowed.items() if text in found)
