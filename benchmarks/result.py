"""The one shape of a benchmark's result, its table and its file."""

import json
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
_shown = 0.0
OPERATORS = {"<=": lambda found, goal: found <= goal, ">=": lambda found, goal: found >= goal}


@dataclass(frozen=True)
class Goal:
    """What a figure should be: `op` is `<=` or `>=`."""

    op: str
    value: float


@dataclass
class Result:
    """Figures of one benchmark.

    Attributes:
        figures: key -> number; the unit stands in the key.
        goals: fixed in the benchmark's code, for some of the figures.
        load: what the figures were measured under.
    """

    name: str
    figures: dict[str, float]
    goals: dict[str, Goal]
    load: dict[str, object] = field(default_factory=dict)


def write(result: Result) -> bool:
    """Print the table and write build/bench/NAME.json; True when every goal is met."""
    met = {key: bool(OPERATORS[goal.op](result.figures[key], goal.value)) for key, goal in result.goals.items()}
    document = {
        "name": result.name,
        "figures": result.figures,
        "goals": {key: {"op": goal.op, "value": goal.value} for key, goal in result.goals.items()},
        "load": result.load,
        "met": met,
        "machine": machine(),
        "commit": commit(),
    }
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{result.name}: {', '.join(f'{key} {value}' for key, value in result.load.items())}")
    for key, value in result.figures.items():
        goal = result.goals.get(key)
        verdict = "" if goal is None else f"  goal {goal.op} {goal.value:,g}: {'met' if met[key] else 'MISSED'}"
        print(f"  {key:<28} {value:>16,.4g}{verdict}" if value < 1 else f"  {key:<28} {value:>16,.1f}{verdict}")
    print(f"  written to {path.relative_to(ROOT)}")
    return all(met.values())


def progress(text: str) -> None:
    """Show how far a measurement is, on a terminal in one line, elsewhere now and then."""
    global _shown
    if sys.stderr.isatty():
        print(f"\r  {text:<70}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() - _shown > 15:
        _shown = time.monotonic()
        print(f"  {text}", file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    """What the figures depend on and a reader can compare with."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that was measured, with `+` when the tree has changes."""
    found = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
