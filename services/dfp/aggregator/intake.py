"""What the aggregator takes in: signals that say what they must, and documents that its state can hold."""

from typing import TypeVar

import msgspec

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.signal import Signal
from dfp.market import symbols

D = TypeVar("D", Signal, Clock)


def signal_in(entry: Entry) -> Signal:
    """The signal of an entry.

    Raises:
        ContractError: not a signal that can be acted upon.
    """
    if entry.kind is not Kind.SIGNAL:
        raise ContractError("entry.k", entry.kind, Kind.SIGNAL)
    signal = storable(codec.decode(entry.payload, Signal))
    if not _is_symbol(signal.symbol):
        raise ContractError("Signal.symbol", signal.symbol, symbols.ALLOWED)
    if not 0 <= signal.as_of <= signal.expires:
        raise ContractError("Signal.expires", signal.expires, f"a time from as_of = {signal.as_of} on, in nanoseconds")
    if signal.horizon_ns <= 0:
        raise ContractError("Signal.horizon_ns", signal.horizon_ns, "a positive number of nanoseconds")
    return signal


def _is_symbol(text: str) -> bool:
    try:
        return symbols.normalize(text) == text
    except symbols.SymbolError:
        return False


def storable(document: D) -> D:
    """The document, if the state can hold it: JSON has integers that msgpack has not."""
    try:
        msgspec.msgpack.encode(document)
    except OverflowError as error:
        raise ContractError(type(document).__name__, document, str(error)) from None
    return document
