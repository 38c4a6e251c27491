"""Writes docs/raw_tick.schema.json from the document in the code; `--check` says whether it is up to date."""

import json
import sys
from pathlib import Path

import msgspec

from dfp.collector.raw_tick import RawTick

FILE = Path(__file__).resolve().parent.parent / "docs" / "raw_tick.schema.json"


def schema() -> str:
    """The file's text."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **msgspec.json.schema(RawTick)}, indent=2) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if FILE.read_text() == schema() else f"{FILE.name} is out of date: run tools/raw_tick_schema.py")
    FILE.write_text(schema())
