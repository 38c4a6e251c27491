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


HELPED = """
from helpers import HOURS
import limits
from dfp.sdk import Flat, Signal, State, Strategy, at

class Helped(Strategy):
    @at(HOURS[0])
    def close(self, symbol, memory, now):
        yield Signal(Flat, strength=limits.STRENGTH)
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A folder as a kubelet mounts a ConfigMap: each key is a link into `..data`, itself a link to a dated folder."""
    dated = tmp_path / "..2026_11_25"
    dated.mkdir()
    (tmp_path / "..data").symlink_to(dated.name)
    for name, text in (
        ("helped.py", HELPED),
        ("helpers.py", "from limits import STRENGTH\nHOURS = ('14:55',)\n"),
        ("limits.py", "STRENGTH = 7\n"),
        ("unused.py", "import time\n"),
    ):
        (dated / name).write_text(text)
        (tmp_path / name).symlink_to(Path("..data", name))
    return tmp_path


def test_a_strategy_imports_what_lies_beside_it_in_its_config_map(mounted: Path) -> None:
    loaded = load(f"file:{mounted}/helped.py:Helped")
    assert loaded.source == HELPED.encode()
    assert loaded.helpers == {
        "helpers": b"from limits import STRENGTH\nHOURS = ('14:55',)\n",
        "limits": b"STRENGTH = 7\n",
    }
    assert len(loaded.kind.definition.timers) == 1


def test_a_helper_is_checked_like_the_strategy_itself(mounted: Path) -> None:
    (mounted / "..data" / "limits.py").write_text("x = 1\nimport time\n")
    with pytest.raises(LoadError, match=r"limits\.py:2: import of `time`"):
        load(f"file:{mounted}/helped.py:Helped")


def test_a_helper_that_fails_is_named_with_its_line(mounted: Path) -> None:
    (mounted / "..data" / "limits.py").write_text("x = 1\ny = x / 0\n")
    before = set(sys.modules)
    with pytest.raises(LoadError, match=r"limits\.py:2: ZeroDivisionError"):
        load(f"file:{mounted}/helped.py:Helped")
    assert set(sys.modules) == before


def test_a_helper_that_leads_out_of_the_folder_is_refused(
    mounted: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "limits.py"
    outside.write_text("STRENGTH = 7\n")
    (mounted / "limits.py").unlink()
    (mounted / "limits.py").symlink_to(outside)
    with pytest.raises(LoadError, match=r"limits\.py: leads to .*, outside of its folder"):
        load(f"file:{mounted}/helped.py:Helped")


def test_code_that_did_not_change_is_not_run_again(mounted: Path) -> None:
    code = f"file:{mounted}/helped.py:Helped"
    first = load(code).kind
    assert load(code).kind is first
    (mounted / "..data" / "limits.py").write_text("STRENGTH = 8\n")
    changed = load(code)
    assert changed.kind is not first
    assert changed.helpers["limits"] == b"STRENGTH = 8\n"


def test_helpers_of_two_strategies_may_have_the_same_name(tmp_path: Path) -> None:
    kinds = []
    for hour in ("14:50", "14:55"):
        folder = tmp_path / hour[3:]
        folder.mkdir()
        (folder / "helpers.py").write_text(f"HOURS = ('{hour}',)\n")
        (folder / "helped.py").write_text(HELPED.replace("import limits\n", "").replace("limits.STRENGTH", "7"))
        kinds.append(load(f"file:{folder}/helped.py:Helped").kind)
    assert kinds[0].definition.timers != kinds[1].definition.timers
    assert "helpers" not in sys.modules


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
