"""What becomes of a raw row, as far as it tells by itself: refused with a reason, or kept with whole prices and flags.

Good data must not be thrown away: crossed books and missing prices are normal in a call auction, and a row that is only
odd is kept, tagged and left out of features. docs/data.md lists every finding with its action.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.recfunctions import structured_to_unstructured

from dfp.collector.feed import DEEPER_PRICES, DEEPER_QUANTITIES, PRICES, QUANTITIES, Rows
from dfp.collector.listings import Listings
from dfp.contracts.flags import Flag
from dfp.market.phases import Phase
from dfp.market.rules import NO_LIMIT

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

UNITS = 10_000
"""Prices of the log are whole 1/10,000 yuan."""

HIGHEST_PRICE = 1e8
LARGEST_QUANTITY = 1e15
"""Beyond these a number is not a price or a quantity of any instrument; both stay far from the edge of int64."""

CLEAN: np.dtype[Any] = np.dtype(
    [
        ("slot", "<i4"),
        ("time", "<i8"),
        ("phase", "u1"),
        ("flags", "<u2"),
        *((name, "<i8") for name in PRICES),
        ("bid1_volume", "<i8"),
        ("ask1_volume", "<i8"),
        ("volume", "<f8"),  # NaN = absent
        ("turnover", "<f8"),
        ("per_row", "?"),  # what volume and turnover are, see feed.py
        ("counts", "?"),  # whether they are taken, see increments.py
        ("fingerprint", "<u8"),
    ]
)
"""A kept row, before it is numbered."""

CLEAN_OF: Mapping[int, np.dtype[Any]] = {
    1: CLEAN,
    5: np.dtype([*CLEAN.descr, *((name, "<i8") for name in (*DEEPER_PRICES, *DEEPER_QUANTITIES))]),
}
"""A kept row by the number of levels of its book."""

CleanRows = npt.NDArray[Any]
"""A structured array of one of `CLEAN_OF`."""


def refusals(rows: Rows, slots: Column) -> list[tuple[str, str, Mask]]:
    """Reason, what is allowed, and which rows are refused for it; a row counts for the first reason that holds."""
    deep = _is_deep(rows)
    prices = structured_to_unstructured(rows[[*PRICES, *(DEEPER_PRICES if deep else ())]])
    quantities = structured_to_unstructured(rows[[*QUANTITIES, *(DEEPER_QUANTITIES if deep else ())]])
    bad_price = ~((prices >= 0) & (prices <= HIGHEST_PRICE) | np.isnan(prices)).all(axis=1) | np.isnan(rows["last"])
    bad_quantity = ~((quantities >= 0) & (quantities <= LARGEST_QUANTITY) | np.isnan(quantities)).all(axis=1)
    return [
        ("unknown-symbol", "", slots < 0),
        ("bad-price", f"prices from 0 to {HIGHEST_PRICE:.0f} yuan, and a last price", bad_price),
        ("bad-quantity", f"volumes and turnover from 0 to {LARGEST_QUANTITY:.0f}", bad_quantity),
    ]


def clean(rows: Rows, slots: Column, skewed: Mask, session: int, listings: Listings) -> CleanRows:
    """Rows that were not refused, of one session, with everything that does not depend on the rows around them."""
    deep = _is_deep(rows)
    kept = np.zeros(len(rows), CLEAN_OF[5 if deep else 1])
    kept["slot"] = slots
    for name in ("time", "volume", "turnover", "per_row", "fingerprint"):
        kept[name] = rows[name]
    for name in ("bid1_volume", "ask1_volume", *(DEEPER_QUANTITIES if deep else ())):
        kept[name] = np.nan_to_num(rows[name])
    tick = listings.tick[slots]
    for name in ("last", "bid1", "ask1", "pre_close", *(DEEPER_PRICES if deep else ())):
        kept[name] = to_units(rows[name], tick)
    silent = kept["pre_close"] == 0
    if silent.any():
        kept["pre_close"][silent] = listings.known(session)["pre_close"][slots[silent]]
    kept["limit_up"], kept["limit_down"] = limits(rows, slots, kept["pre_close"], session, listings)
    kept["phase"] = listings.phases(slots, rows["time"])
    kept["flags"] = flags(kept, skewed)
    kept["counts"] = ~skewed & (listings.opened(slots, rows["time"]))
    return kept


def to_units(yuan: Column, tick: Column) -> Column:
    """Yuan as whole 1/10,000 on the instrument's price grid, so that float noise is gone; absent = 0.

    Args:
        tick: price step in 1/10,000 yuan.
    """
    return np.floor(np.nan_to_num(yuan) * UNITS / tick + 0.5).astype(np.int64) * tick


def limits(rows: Rows, slots: Column, pre_close: Column, session: int, listings: Listings) -> tuple[Column, Column]:
    """Price limits in 1/10,000 yuan, 0 = none: the vendor's, else those of the reference data, else the rule's."""
    tick = listings.tick[slots]
    up, down = (to_units(rows[name], tick) for name in ("limit_up", "limit_down"))
    up[up >= NO_LIMIT] = down[down >= NO_LIMIT] = 0
    absent = np.isnan(rows["limit_up"]) & np.isnan(rows["limit_down"])
    if absent.any():
        known = listings.known(session)[slots]
        referred = absent & known["limited"]
        up[referred], down[referred] = known["limit_up"][referred], known["limit_down"][referred]
        computed = absent & ~referred & (pre_close > 0)
        if computed.any():
            up[computed], down[computed] = listings.rule_limits(slots[computed], pre_close[computed], session)
    return up, down


def flags(kept: CleanRows, skewed: Mask) -> Column:
    """Bits of `Flag` that a row earns by itself."""
    last, bid, ask, up, down = (kept[name] for name in ("last", "bid1", "ask1", "limit_up", "limit_down"))
    priced = last > 0
    crossed = (kept["phase"] == Phase.CONTINUOUS) & (bid > 0) & (ask > 0) & (bid >= ask)
    beyond = ((up > 0) & (last > up)) | ((down > 0) & priced & (last < down))
    found = [
        (Flag.BEYOND_LIMIT, beyond),
        (Flag.CROSSED, crossed),
        (Flag.CLOCK_SKEW, skewed),
        (Flag.NO_PRICE, ~priced),
        (Flag.AT_LIMIT_UP, priced & (last == up)),
        (Flag.AT_LIMIT_DOWN, priced & (last == down)),
    ]
    bits = np.zeros(len(kept), np.uint16)
    for flag, mask in found:
        bits |= np.where(mask, flag, 0).astype(np.uint16)
    return bits


def _is_deep(rows: Rows) -> bool:
    return DEEPER_PRICES[0] in (rows.dtype.names or ())
