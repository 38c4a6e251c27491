"""What the aggregator takes in: signals that say what they must, and documents that its state can hold."""

from typing import TypeVar

import msgspec

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.signal import Signal
from dfp.market.instruments import classify
from dfp.market.symbols import SymbolError

D = TypeVar("D", Signal, Clock)


def signal_in(entry: Entry) -> Signal:
    """The signal of an entry.

    Raises:
        ContractError: not a signal that can be acted upon.
    """
    if entry.kind is not Kind.SIGNAL:
        raise ContractError("entry.k", entry.kind, Kind.SIGNAL)
    signal = storable(codec.decode(entry.payload, Signal))
    _check_symbol(signal.symbol)
    if not 0 <= signal.as_of <= signal.expires:
        raise ContractError("Signal.expires", signal.expires, f"a time from as_of = {signal.as_of} on, in nanoseconds")
    if signal.horizon_ns <= 0:
        raise ContractError("Signal.horizon_ns", signal.horizon_ns, "a positive number of nanoseconds")
    return signal


def _check_symbol(symbol: str) -> None:
    try:
        found = classify(symbol).symbol
    except SymbolError as error:
        raise ContractError("Signal.symbol", symbol, str(error)) from None
    if found != symbol:
        raise ContractError("Signal.symbol", symbol, f"{found}, its normal form")


def storable(document: D) -> D:
    """The document, if the state can hold it: JSON has integers that msgpack has not."""
    try:
        msgspec.msgpack.encode(document)
    except OverflowError as error:
        raise ContractError(type(document).__name__, document, str(error)) from None
    return document
