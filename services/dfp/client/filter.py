"""Which opportunities a follower wants."""

from collections.abc import Iterable
from typing import TypedDict, TypeVar

import msgspec

from dfp.client.errors import mistaken
from dfp.contracts.opportunity import State
from dfp.contracts.signal import Direction
from dfp.market.symbols import SymbolError, normalize

MOST_SYMBOLS = 1000
"""They stand in the request of the handshake, of which a gateway takes 16 kB."""

T = TypeVar("T")


class Wanted(TypedDict, total=False):
    """Restrictions; they are combined with "and", and what is left out, or None, restricts nothing.

    symbols: any of these, such as `600000.SH`; at most 1000.
    strategies: one of these stands behind it.
    sides: Up, Down.
    states: Tracking, Confirmed, Closed.
    min_confidence: 0 to 1.
    alerts: also the alerts of risk, as they are raised.
    """

    symbols: Iterable[str] | None
    strategies: Iterable[str] | None
    sides: Iterable[Direction | str] | None
    states: Iterable[State | str] | None
    min_confidence: float
    alerts: bool


class Filter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Restrictions that were checked, in the order in which the server tells them; see `Wanted`."""

    symbols: tuple[str, ...] | None = None
    strategies: tuple[str, ...] | None = None
    sides: tuple[Direction, ...] | None = None
    states: tuple[State, ...] | None = None
    min_confidence: float = 0.0
    alerts: bool = False

    def query(self) -> dict[str, str]:
        """As the query of a handshake."""
        lists = {name: getattr(self, name) for name in ("symbols", "strategies", "sides", "states")}
        query = {name: ",".join(values) for name, values in lists.items() if values is not None}
        if self.min_confidence > 0:
            query["min_confidence"] = repr(self.min_confidence)
        if self.alerts:
            query["alerts"] = "true"
        return query

    def message(self) -> bytes:
        """The same for the open socket."""
        return msgspec.json.encode({"type": "subscribe", **msgspec.to_builtins(self)})


def filter_of(wanted: Wanted) -> Filter:
    """A filter from what a caller wants.

    Raises:
        Refused: a restriction that no opportunity can pass, or that is none.
    """
    confidence = wanted.get("min_confidence", 0.0)
    if not 0 <= confidence <= 1:
        raise mistaken("min_confidence", confidence, "0 to 1")
    strategies = _listed("strategies", wanted.get("strategies"))
    for name in strategies or ():
        if not name or "," in name:
            raise mistaken("strategies", name, "the name of a strategy")
    return Filter(
        symbols=_symbols(wanted.get("symbols")),
        strategies=strategies,
        sides=_members("sides", wanted.get("sides"), {side.value: side for side in (Direction.UP, Direction.DOWN)}),
        states=_members("states", wanted.get("states"), {state.value: state for state in State}),
        min_confidence=float(confidence),
        alerts=bool(wanted.get("alerts", False)),
    )


def _listed(field: str, values: Iterable[str] | None) -> tuple[str, ...] | None:
    if values is None:
        return None
    if isinstance(values, str):
        raise mistaken(field, values, "a list, not one text")
    found = tuple(sorted(set(values)))
    if not found:
        raise mistaken(field, [], "at least one, or None for all")
    return found


def _symbols(values: Iterable[str] | None) -> tuple[str, ...] | None:
    listed = _listed("symbols", values)
    if listed is not None and len(listed) > MOST_SYMBOLS:
        raise mistaken("symbols", f"{len(listed)} symbols", f"at most {MOST_SYMBOLS}, or None for all")
    try:
        return None if listed is None else tuple(sorted(set(map(normalize, listed))))
    except SymbolError as error:
        raise mistaken("symbols", listed, str(error).rpartition("expected ")[2]) from None


def _members(field: str, values: Iterable[str] | None, allowed: dict[str, T]) -> tuple[T, ...] | None:
    listed = _listed(field, values)
    for value in listed or ():
        if value not in allowed:
            raise mistaken(field, str(value), f"of {', '.join(allowed)}")
    return None if listed is None else tuple(member for value, member in allowed.items() if value in listed)
