"""The symbols that the collector has met, each in a *slot* (0, 1, 2 …), and what it has to know of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.market.instruments import Instrument, InstrumentClass, classify
from dfp.market.phases import DAY_NS, SHANGHAI_NS, phases_of, trading_spans
from dfp.market.reference import ReferenceData
from dfp.market.rules import price_limits
from dfp.market.symbols import SymbolError, pack

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_CLASSES = tuple(InstrumentClass)

_FUTURES = (InstrumentClass.FUTURE, InstrumentClass.TREASURY_FUTURE)
"""Their limits hang on the settlement price, which no source sends as previous close: without the vendor's, none."""


KNOWN: np.dtype[Any] = np.dtype(
    [
        ("pre_close", "<i8"),  # 1/10,000 yuan, 0 = unknown
        ("limited", "?"),  # whether both limits are known
        ("limit_up", "<i8"),  # 1/10,000 yuan, 0 = none that day
        ("limit_down", "<i8"),
        ("st", "?"),  # known to be under special treatment
    ]
)
"""What reference data say of a symbol on a day."""


class Listings:
    """Slots of symbols; a slot is never given away again.

    Args:
        reference: fills in what a source does not say.

    Attributes:
        packed: symbol of each slot, packed.
        tick: price step of each slot, 1/10,000 yuan.
    """

    def __init__(self, reference: ReferenceData) -> None:
        self.reference = reference
        self.packed = np.zeros(0, np.uint64)
        self.tick = np.zeros(0, np.int64)
        self._class = np.zeros(0, np.uint8)
        self._instruments: list[Instrument] = []
        self._slots: dict[str, int] = {}
        self._latest: tuple[tuple[str, ...], Column] = ((), np.zeros(0, np.int32))
        self._session = 0
        self._limits: dict[tuple[int, int], tuple[int, int]] = {}
        self._known = np.zeros(0, KNOWN)

    def __len__(self) -> int:
        return len(self._instruments)

    @property
    def symbols(self) -> list[str]:
        """Symbol of each slot."""
        return [instrument.symbol for instrument in self._instruments]

    def symbol(self, slot: int) -> str:
        """Symbol of a slot."""
        return self._instruments[slot].symbol

    def slots(self, symbols: tuple[str, ...]) -> Column:
        """Slot of each symbol, in any spelling; -1 for what `problem` explains."""
        if symbols is self._latest[0]:
            return self._latest[1]
        found = np.array([self._slot(symbol) for symbol in symbols], np.int32)
        if len(self._instruments) > len(self.packed):
            self.packed = np.array([pack(symbol) for symbol in self.symbols], np.uint64)
            self.tick = np.array([instrument.tick for instrument in self._instruments], np.int64)
            self._class = np.array([_CLASSES.index(instrument.cls) for instrument in self._instruments], np.uint8)
        self._latest = (symbols, found)
        return found

    def _slot(self, symbol: str) -> int:
        try:
            instrument = classify(symbol)
        except SymbolError:
            return -1
        slot = self._slots.setdefault(instrument.symbol, len(self._instruments))
        if slot == len(self._instruments):
            self._instruments.append(instrument)
        return slot

    @staticmethod
    def problem(symbol: str) -> str | None:
        """Why a symbol has no slot; None when it has one."""
        try:
            classify(symbol)
        except SymbolError as error:
            return str(error)
        return None

    def phases(self, slots: Column, times: Column) -> Column:
        """Phase of each time, in the hours of the slot's instrument."""
        classes = self._class[slots]
        phases = np.zeros(len(slots), np.uint8)
        for number in np.unique(classes).tolist():
            mask = classes == number
            phases[mask] = phases_of(times[mask], _CLASSES[number])
        return phases

    def opened(self, slots: Column, times: Column) -> Mask:
        """Whether continuous trading of the slot's instrument has begun on the day."""
        opening = np.array([trading_spans(kind)[0][0] for kind in _CLASSES])
        begun: Mask = (times + SHANGHAI_NS) % DAY_NS >= opening[self._class[slots]]
        return begun

    def rule_limits(self, slots: Column, pre_close: Column, session: int) -> tuple[Column, Column]:
        """Price limits in 1/10,000 yuan as the market's rules have them, 0 where there is none.

        Args:
            pre_close: of each slot, in 1/10,000 yuan, positive.
        """
        self._turn_to(session)
        pairs, which = np.unique(np.stack((slots, pre_close)), axis=1, return_inverse=True)
        found = np.array([self._rule(slot, close, session) for slot, close in pairs.T.tolist()], np.int64)
        return found[which, 0], found[which, 1]

    def known(self, session: int) -> Column:
        """What the reference data say of each slot on a day, as `KNOWN`."""
        self._turn_to(session)
        if len(self._known) < len(self):
            added = self._instruments[len(self._known) :]
            self._known = np.concatenate((self._known, np.array([self._look_up(one, session) for one in added], KNOWN)))
        return self._known

    def _look_up(self, instrument: Instrument, session: int) -> tuple[int, bool, int, int, bool]:
        facts = self.reference.facts(instrument.symbol, session)
        limited = facts.limit_up is not None and facts.limit_down is not None
        return facts.pre_close or 0, limited, facts.limit_up or 0, facts.limit_down or 0, bool(facts.st)

    def _turn_to(self, session: int) -> None:
        if session != self._session:
            self._session, self._limits, self._known = session, {}, np.zeros(0, KNOWN)

    def _rule(self, slot: int, pre_close: int, session: int) -> tuple[int, int]:
        key = (slot, pre_close)
        if key not in self._limits:
            instrument = self._instruments[slot]
            st = bool(self.known(session)["st"][slot])
            given = None if instrument.cls in _FUTURES else price_limits(instrument, pre_close, session, st=st)
            self._limits[key] = given or (0, 0)
        return self._limits[key]
