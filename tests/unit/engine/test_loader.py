"""Loading user code: from a file or an installed package, with errors that say where and what to do."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dfp.engine.loader import LoadError, load

GOOD = """
from __future__ import annotations
from dfp.sdk import Flat, Signal, State, Strategy, at

class Quiet(Strategy):
    class Memory(State):
        entry: float = 0.0

    @at("14:55")
    def close(self, symbol, memory, now):
        yield Signal(Flat, reason="{symbol} closes")
"""

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes strategy.py and gives the code reference of a class in it, without the class's name."""

    def to_file(source: str) -> str:
        path = tmp_path / "strategy.py"
        path.write_text(source, encoding="utf-8")
        return f"file:{path}"

    return to_file


def test_a_class_is_loaded_from_a_file_with_the_bytes_it_came_from(write: Write) -> None:
    loaded = load(f"{write(GOOD)}:Quiet")
    assert loaded.kind.__name__ == "Quiet"
    assert loaded.kind.definition.memory().entry == 0.0
    assert loaded.source == GOOD.encode()


def test_a_file_is_loaded_anew_each_time(write: Write) -> None:
    first = load(f"{write(GOOD)}:Quiet")
    second = load(f"{write(GOOD.replace('14:55', '14:50'))}:Quiet")
    assert first.kind.definition.timers != second.kind.definition.timers


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("class Quiet(:\n", "Quiet", r"strategy\.py:1: invalid syntax"),
        ("x = '\0'\n", "Quiet", r"strategy\.py:1: .*null bytes"),
        ("x = " + "-" * 100_000 + "1", "Quiet", r"strategy\.py: cannot be parsed: (Recursion|Memory)Error"),
        ("x = 1\nimport time\nopen('y')\n", "Quiet", r"strategy\.py:2: import of `time`(.|\n)*strategy\.py:3: `open`"),
        ("x = 1\n\ny = x / 0\n", "Quiet", r"strategy\.py:3: ZeroDivisionError: division by zero"),
        ("import not_installed_anywhere\n", "Quiet", r"strategy\.py:1: ModuleNotFoundError: No module named"),
        ("import json\njson.loads('{')\n", "Quiet", r"strategy\.py:2: JSONDecodeError"),
        (GOOD, "Quite", r"no strategy class 'Quite'; did you mean 'Quiet'\? \(subclasses of Strategy there: Quiet\)"),
        ("x = 1\n", "Quiet", r"no strategy class 'Quiet' \(subclasses of Strategy there: none\)"),
        (GOOD, "Signal", r"no strategy class 'Signal'"),
        (
            "from dfp.sdk import Strategy\n\nclass Idle(Strategy):\n    pass\n",
            "Idle",
            r"strategy\.py: Idle has no handler; define on_tick or on_batch, or a method under @at or @every",
        ),
        (
            "from dfp.sdk import Strategy\n\nclass Odd(Strategy):\n    warmup = '1h'\n",
            "Odd",
            r'strategy\.py:3: StrategyError: Odd\.warmup is .1h.; expected "N ticks"',
        ),
        (
            GOOD.replace("class Memory", 'needs = ("range_hihg_400",)\n    class Memory'),
            "Quiet",
            r"strategy\.py: Quiet\.needs: feature: 'range_hihg_400' is not allowed; .*did you mean range_high_N\?",
        ),
        (GOOD.replace("{symbol}", "{n}"), "Quiet", r"strategy\.py:11: the reason names \{n\}"),
    ],
    ids=range(14),
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(write: Write, source: str, name: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load(f"{write(source)}:{name}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"absent\.py: No such file or directory; expected a Python file"):
        load(f"file:{tmp_path}/absent.py:Quiet")


@pytest.mark.parametrize("code", ["", "strategy.py", "file:", "file:strategy.py", "http://x:y", "entrypoint:"])
def test_a_reference_that_is_none_is_refused_with_what_is_allowed(code: str) -> None:
    with pytest.raises(LoadError, match=r"is not allowed; expected file:PATH:Class or entrypoint:NAME"):
        load(code)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution with an entry point, installed the way pip leaves it."""
    metadata = tmp_path / "quiet-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: quiet\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[dfp.strategies]\nquiet = quiet_strategy:Quiet\nlost = no_such_module_here:Lost\n"
    )
    module = tmp_path / "quiet_strategy.py"
    module.write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield module
    sys.modules.pop("quiet_strategy", None)


def test_a_class_is_loaded_from_an_installed_package(package: Path) -> None:
    loaded = load("entrypoint:quiet")
    assert loaded.kind.__name__ == "Quiet"
    assert loaded.source == package.read_bytes()


def test_an_installed_module_is_checked_before_it_is_imported(package: Path) -> None:
    package.write_text("import time\n" + GOOD)
    with pytest.raises(LoadError, match=r"quiet_strategy\.py:1: import of `time`"):
        load("entrypoint:quiet")
    assert "quiet_strategy" not in sys.modules


def test_an_entry_point_that_fails_is_named(package: Path) -> None:
    with pytest.raises(LoadError, match=r"entry point 'lost' \(no_such_module_here:Lost\): ModuleNotFoundError"):
        load("entrypoint:lost")


def test_an_unknown_entry_point_is_refused_with_the_closest(package: Path) -> None:
    with pytest.raises(LoadError, match=r"no entry point 'quit' in group dfp\.strategies; did you mean 'quiet'\?"):
        load("entrypoint:quit")
