"""One rule of the guard over all symbols: which of them are in breach, and what has to be said about it.

Nearly every symbol is calm nearly always. So values are sorted into classes column by column, and only where the class
has changed, or a breach waits for its end, a latch takes a step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from dfp.contracts.policy import Drawdown, Policy, Rule, Volatility
from dfp.contracts.risk import Decision
from dfp.risk.latch import RETURN, STRICT, Latch
from dfp.risk.prices import Flags, Floats, Ints, column_of, grown

_NOT_YET, _CALM, _BETWEEN, _OVER, _UNKNOWN = range(5)

_Classes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Change:
    """A symbol for which a rule says something else than before.

    Attributes:
        place: of the symbol.
        value: None while it is NotYet or Unknown.
        until: event time before which a lock is not lifted, 0 without one.
        is_new: whether it is a breach that has just happened, not one that is known again.
        is_over: whether a breach has ended.
    """

    place: int
    decision: Decision
    value: float | None
    until: int
    is_new: bool = False
    is_over: bool = False


class SavedRule(msgspec.Struct, array_like=True, frozen=True):
    """State of one rule; latches by place."""

    policy: str
    rule: str
    classes: bytes
    latches: list[tuple[int, Latch]]
    told: list[tuple[int, Decision, float | None, int]]
    warned: bool


class SymbolRule:
    """A volatility or price drawdown rule of one policy.

    Attributes:
        warned: whether people know that the rule cannot judge some symbols of this session.
    """

    def __init__(self, policy: Policy, rule: Rule) -> None:
        assert isinstance(rule.check, Volatility | Drawdown)
        self.policy = policy
        self.rule = rule
        self.check: Volatility | Drawdown = rule.check
        self.is_strict = rule.action in STRICT
        self.warned = False
        self._classes: _Classes = np.zeros(0, np.int8)
        self._latches: dict[int, Latch] = {}
        """Of the symbols in breach."""
        self._told: dict[int, tuple[Decision, float | None, int]] = {}
        """What was said last of the symbols that are not Ok: decision, value, lock."""

    def judge(self, places: Ints, values: Floats, unknown: Flags, at: int) -> list[Change]:
        """Take the values that hold from event time `at` on; what has changed by them, by place.

        Args:
            places: ascending.
            values: of these places, NaN while there is none yet.
            unknown: of these places: whether it cannot be told.
        """
        if len(places) and places[-1] >= len(self._classes):
            self._classes = grown(self._classes, int(places[-1]) + 1)
        classes = self._classified(values, unknown)
        waiting = np.zeros(len(self._classes), np.bool_)
        waiting[list(self._latches)] = True
        moved = (classes != self._classes[places]) | (waiting[places] & (classes == _CALM))
        self._classes[places] = classes
        changes = []
        for index in np.flatnonzero(moved).tolist():
            change = self._step(int(places[index]), int(classes[index]), float(values[index]), at)
            if change is not None:
                changes.append(change)
        return changes

    def bad(self) -> Iterator[Change]:
        """What holds of all symbols that are not Ok, by place."""
        for place in sorted(self._told):
            yield Change(place, *self._told[place])

    def begin_session(self, *, forget: bool) -> None:
        """Start a session. A price drawdown goes on where it was; volatility begins anew.

        Args:
            forget: whether all goes that was, because the log has gone back in time.
        """
        self.warned = False
        self._classes[:] = _NOT_YET
        if forget or isinstance(self.check, Volatility):
            self._latches = {}
        self._told = {place: told for place, told in self._told.items() if place in self._latches}

    def save(self) -> SavedRule:
        """The state, bit for bit."""
        return SavedRule(
            self.policy.name,
            self.rule.name,
            self._classes.tobytes(),
            sorted(self._latches.items(), key=lambda item: item[0]),
            [(place, *self._told[place]) for place in sorted(self._told)],
            self.warned,
        )

    def load(self, saved: SavedRule) -> None:
        """Replace the state.

        Raises:
            ContractError: it does not fit.
        """
        self._classes = column_of(saved.classes, np.int8, len(saved.classes))
        self._latches = dict(saved.latches)
        self._told = {place: (decision, value, until) for place, decision, value, until in saved.told}
        self.warned = saved.warned

    def follow(self, other: "SymbolRule") -> None:
        """Go on from the state of the same rule in an earlier bundle."""
        self.load(other.save())

    def _classified(self, values: Floats, unknown: Flags) -> _Classes:
        threshold = self.check.threshold
        classes: _Classes = np.zeros(len(values), np.int8)
        classes[values <= RETURN * threshold] = _CALM
        classes[(values > RETURN * threshold) & (values < threshold)] = _BETWEEN
        classes[values >= threshold] = _OVER
        classes[unknown] = _UNKNOWN if self.is_strict else _NOT_YET
        return classes

    def _step(self, place: int, found: int, value: float, at: int) -> Change | None:
        hold_ns = self.rule.hold_ns
        latch = self._latches.get(place) or Latch()
        before = latch.breached, latch.locked_at
        if found in (_CALM, _BETWEEN, _OVER):
            latch.step(value, at, self.check.threshold, hold_ns)
        elif found == _UNKNOWN:
            latch.interrupt()
        if latch.breached:
            self._latches[place] = latch
        else:
            self._latches.pop(place, None)
        known = None if found in (_NOT_YET, _UNKNOWN) else value
        decision = Decision.NOT_YET if found == _NOT_YET else Decision.OK
        if found == _UNKNOWN:
            decision = Decision.UNKNOWN
        elif latch.breached:
            decision = Decision.BREACH
        until = latch.until(hold_ns)
        told = self._told.get(place)
        if decision in (Decision.OK, Decision.NOT_YET):
            if told is None:
                return None
            del self._told[place]
        else:
            if told is not None and (told[0], told[2]) == (decision, until):
                return None
            self._told[place] = (decision, known, until)
        is_new = latch.breached and (True, latch.locked_at) != before
        return Change(place, decision, known, until, is_new, is_over=before[0] and not latch.breached)
