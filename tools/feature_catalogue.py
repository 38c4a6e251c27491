"""Writes docs/features.md from the catalogue in the code; `--check` says whether it is up to date."""

import sys
from pathlib import Path

from dfp.features.catalog import CATALOG, DEFAULT, MAX_WINDOW

PAGE = Path(__file__).resolve().parent.parent / "docs" / "features.md"


def page() -> str:
    """The page."""
    lines = [
        "# Features",
        "",
        "Made from `services/dfp/features/catalog.py` by `tools/feature_catalogue.py`; do not edit.",
        "",
        f"N is a window of 1 to {MAX_WINDOW:,} *fit* ticks of one symbol and session: continuous trading, a price,",
        "nothing that cleaning flagged as unfit. P(t) is the last price of the current one, P(t−k) that of k before.",
        "A feature is absent (NaN) until its window is full, and on every tick that is not fit.",
        "",
        "| name | formula | unit | source |",
        "|---|---|---|---|",
    ]
    for kind, described in CATALOG.items():
        name = f"{kind}_N" if described.windowed else str(kind)
        lines.append(f"| `{name}` | {described.formula} | {described.unit} | {described.source} |")
    lines += ["", f"Computed unless a pipeline says otherwise: {', '.join(f'`{name}`' for name in DEFAULT)}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else f"{PAGE.name} is out of date: run tools/feature_catalogue.py")
    PAGE.write_text(page())
