"""Runs benchmarks: `python -m benchmarks [NAME …]`. Each prints a table and writes build/bench/NAME.json."""

import importlib
import sys
from pathlib import Path

from benchmarks.result import write

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py")))


GOAL_MISSED = 3


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 3 when a goal is missed, 2 for an unknown name."""
    known = [name.removeprefix("bench_") for name in NAMES]
    for name in arguments:
        if name not in known:
            print(f"bench: NAME={name!r} is not allowed; expected one of {', '.join(known)}", file=sys.stderr)
            return 2
    missed = False
    for name in arguments or known:
        result = importlib.import_module(f"benchmarks.bench_{name}").run()
        missed |= not write(result)
    return GOAL_MISSED if missed else 0


sys.exit(main(sys.argv[1:]))
