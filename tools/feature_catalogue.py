"""Writes docs/features.md from the catalogue in the code; `--check` says whether it is up to date."""

import sys
from pathlib import Path

from dfp.features.catalog import CATALOG, DEFAULT, MAX_MOVE, MAX_PRICE, MAX_WINDOW

PAGE = Path(__file__).resolve().parent.parent / "docs" / "features.md"


INTRODUCTION = f"""\
# Features

Made from `services/dfp/features/catalog.py` by `tools/feature_catalogue.py`; do not edit.

A name is a kind, and for kinds with a window its N from 1 to {MAX_WINDOW:,}: `ema_100`. Ticks are counted per symbol
and session, and only *fit* ones: continuous trading, a last price, nothing that cleaning flagged as unfit. P(t) is the
last price of the current one, P(t−k) that of k before, and r(t) = P(t) / P(t−1) − 1.

- *Present from* says from which fit tick of a session on there is a value, and what a recursion starts from. Before it,
  and on every tick that is not fit, a feature is absent (NaN).
- What ticks trade that are not fit goes to the next fit tick, so sums of the session are complete.
- A hole in the log ends all windows; sums of a session that has begun stay absent until the next session.
- A feature that is added to a running pipeline counts ticks from there on, and sums of the session begin with the next
  session; the other features go on bit for bit. What a recursion (EMA, MACD, RSI, ATR, EWMA) started from is forgotten
  with the session, so a replay gives its bytes again from the next session on.
- Volatilities are of simple returns, which differ from logarithmic ones by a share of |r|/2 (0.00005 for a move of one
  basis point): the last bit of a logarithm depends on the processor, and features must have the same bytes everywhere.
- Sums of prices are exact whole numbers, and sums of squared returns are made of additions only: neither drifts.
- A tick beyond what there can be (a price above {MAX_PRICE // 10_000:,} yuan or {MAX_MOVE // 10_000:,} yuan from
  the session's first, a negative or impossible volume, a time on another day, a session that is over) is not fit, and
  is counted as `beyond-range`.
- State of a symbol takes 4 bytes a tick of the longest window that looks back at prices, rounded up to a power of two,
  4·N more for each range and 8·N for each realised volatility; the others take a few dozen bytes.

| name | formula | unit | N counts | present from | source |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The page."""
    rows = []
    for kind, described in CATALOG.items():
        name = f"{kind}_N" if described.windowed else str(kind)
        cells = (f"`{name}`", described.formula, described.unit, described.window, described.present, described.source)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") or "–" for cell in cells) + " |\n")
    default = ", ".join(f"`{name}`" for name in DEFAULT)
    return f"{INTRODUCTION}{''.join(rows)}\nComputed unless a pipeline says otherwise: {default}.\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else f"{PAGE.name} is out of date: run tools/feature_catalogue.py")
    PAGE.write_text(page())
