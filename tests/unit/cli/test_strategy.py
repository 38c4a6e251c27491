"""`dfp strategy`: from a name to a strategy that works, and from its files to what a cluster takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from dfp.cli.main import main
from dfp.engine.loader import load
from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.manifest import parse
from dfp_operator.api.strategy import Mode, Strategy

Shown = pytest.CaptureFixture[str]


def refused(arguments: list[str], capsys: Shown) -> str:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert shown.out == ""
    return shown.err


@pytest.fixture
def folder(tmp_path: Path, capsys: Shown) -> Path:
    """What `dfp strategy new opening-gap` writes."""
    folder = tmp_path / "opening_gap"
    assert main(["strategy", "new", "opening-gap", "--folder", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_each_command_shows_examples(capsys: Shown) -> None:
    assert main(["strategy", "--help"]) == 0
    listed = capsys.readouterr().out
    for command in ("new", "schema", "render"):
        assert f"\n  {command}" in listed
        assert main(["strategy", command, "--help"]) == 0
        assert f"    dfp strategy {command} " in capsys.readouterr().out


def test_new_writes_a_strategy_its_test_and_its_manifest(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["opening_gap.py", "strategy.yaml", "test_opening_gap.py"]
    (strategy,) = parse((folder / "strategy.yaml").read_text(), "strategy.yaml")
    assert isinstance(strategy, Strategy)
    assert (strategy.metadata.name, strategy.spec.mode) == ("opening-gap", Mode.SHADOW)
    load(f"file:{folder / 'opening_gap.py'}:{strategy.spec.code.class_name}").kind(**strategy.spec.parameters)


def test_the_written_test_passes_and_the_written_code_is_clean(folder: Path) -> None:
    checks = (
        ["pytest", "-q", "-p", "no:cacheprovider", "-p", "no:valkey", "--rootdir", str(folder), str(folder)],
        ["ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(folder / "opening_gap.py")],
        ["ruff", "format", "--no-cache", "--check", "--config", str(ROOT / "pyproject.toml"), str(folder)],
    )
    for check in checks:
        ran = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, check=False, cwd=folder)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_without_a_folder_it_writes_into_one_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["strategy", "new", "momentum"]) == 0
    assert (tmp_path / "momentum" / "momentum.py").is_file()


@pytest.mark.parametrize("name", ["signal", "universe", "none", "class"])
def test_a_name_that_python_or_the_sdk_uses_is_no_trouble(name: str, tmp_path: Path, capsys: Shown) -> None:
    assert main(["strategy", "new", name, "--folder", str(tmp_path)]) == 0
    assert main(["strategy", "render", str(tmp_path)]) == 0


def test_nothing_is_overwritten(folder: Path, capsys: Shown) -> None:
    (folder / "opening_gap.py").unlink()
    (folder / "strategy.yaml").write_text("mine")
    message = refused(["strategy", "new", "opening-gap", "--folder", str(folder)], capsys)
    assert "test_opening_gap.py is there already; choose another name, or another --folder" in message
    assert (folder / "strategy.yaml").read_text() == "mine"
    assert not (folder / "opening_gap.py").exists()


@pytest.mark.parametrize("name", ["Momentum", "1st", "a--b", "a_b", "-a", "a/b", "x" * 59])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path, capsys: Shown) -> None:
    message = refused(["strategy", "new", "--folder", str(tmp_path), "--", name], capsys)
    assert f"NAME: {name!r} is not allowed; expected at most 58 lower-case letters and digits" in message


def test_a_folder_that_cannot_be_written_to_is_a_message(tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "file").write_text("")
    message = refused(["strategy", "new", "momentum", "--folder", str(tmp_path / "file" / "x")], capsys)
    assert "expected a folder that can be written to" in message


def test_schema_says_what_the_parameters_may_be(capsys: Shown) -> None:
    code = ROOT / "examples" / "mean_reversion" / "mean_reversion.py"
    assert main(["strategy", "schema", f"{code}:MeanReversion"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "MeanReversion"
    assert schema["additionalProperties"] is False
    assert schema["properties"]["min_imbalance"] == {
        "type": "number",
        "default": 0.3,
        "description": "(bid − ask) / (bid + ask) of the best quantities, at least",
        "minimum": 0,
        "exclusiveMaximum": 1,
    }
    assert schema["properties"]["horizon"] == {"type": "string", "default": "5m", "description": "trading time"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("nowhere/x.py:X", "nowhere/x.py: No such file or directory; expected a Python file"),
        ("x.py:", "is not allowed; expected file:PATH:Class or entrypoint:NAME"),
        ("not-installed", "no entry point 'not-installed' in group dfp.strategies"),
    ],
)
def test_a_strategy_that_is_not_there_has_no_schema(code: str, message: str, capsys: Shown) -> None:
    assert message in refused(["strategy", "schema", code], capsys)


def test_render_prints_the_manifest_with_the_code_in_a_config_map(folder: Path, capsys: Shown) -> None:
    for argument in (folder, folder / "strategy.yaml"):
        assert main(["strategy", "render", str(argument)]) == 0
        text = capsys.readouterr().out
        config_map, strategy = parse(text, "rendered")
        assert isinstance(config_map, ConfigMap)
        assert isinstance(strategy, Strategy)
        assert config_map.metadata.name == "opening-gap-code"
        assert config_map.data == {"opening_gap.py": (folder / "opening_gap.py").read_text()}
        assert "\n    class OpeningGap(Strategy):\n" in text, "people can read what they apply"


def test_render_takes_helpers_beside_the_strategy_too(folder: Path, capsys: Shown) -> None:
    (folder / "levels.py").write_text("LEVEL = 0.005\n")
    (folder / "unused.py").write_text("import os\n")
    code = folder / "opening_gap.py"
    code.write_text(code.read_text().replace("from dfp.sdk", "from levels import LEVEL\nfrom dfp.sdk", 1))
    assert main(["strategy", "render", str(folder)]) == 0
    config_map, _ = parse(capsys.readouterr().out, "rendered")
    assert isinstance(config_map, ConfigMap)
    assert sorted(config_map.data) == ["levels.py", "opening_gap.py"]


def test_strategies_may_share_a_config_map(folder: Path, tmp_path: Path, capsys: Shown) -> None:
    assert main(["strategy", "new", "other", "--folder", str(folder / "other")]) == 0
    manifest = folder / "other" / "strategy.yaml"
    manifest.write_text(manifest.read_text().replace("other-code", "opening-gap-code"))
    capsys.readouterr()
    assert main(["strategy", "render", str(folder)]) == 0
    config_map, *strategies = parse(capsys.readouterr().out, "rendered")
    assert isinstance(config_map, ConfigMap)
    assert sorted(config_map.data) == ["opening_gap.py", "other.py"]
    assert len(strategies) == 2
    manifest.write_text(manifest.read_text().replace("key: other.py", "key: opening_gap.py"))
    (folder / "other" / "opening_gap.py").write_text((folder / "other" / "other.py").read_text())
    message = refused(["strategy", "render", str(folder)], capsys)
    assert "ConfigMap opening-gap-code has another opening_gap.py already" in message


def test_a_config_map_that_is_given_and_its_namespace_are_kept(folder: Path, capsys: Shown) -> None:
    manifest = folder / "strategy.yaml"
    manifest.write_text(manifest.read_text().replace("metadata:\n", "metadata:\n  namespace: quant\n"))
    assert main(["strategy", "render", str(folder)]) == 0
    rendered = capsys.readouterr().out
    config_map, _ = parse(rendered, "rendered")
    assert config_map.metadata.namespace == "quant"
    manifest.write_text(rendered)
    (folder / "opening_gap.py").unlink()
    assert main(["strategy", "render", str(folder)]) == 0
    assert capsys.readouterr().out == rendered


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("opening_gap.py", "import Iterator", "import Iterator\nimport time", "opening_gap.py:4: import of `time`"),
        ("strategy.yaml", "threshold: 0.005", "threshold: -1", "strategy 'opening-gap': OpeningGap.threshold = -1"),
        ("strategy.yaml", "mode: Shadow", "mode: Dark", "spec.mode"),
        ("strategy.yaml", "key: opening_gap.py", "key: gone.py", "gone.py: No such file or directory"),
    ],
)
def test_what_could_not_run_is_not_rendered(
    folder: Path, file: str, old: str, new: str, message: str, capsys: Shown
) -> None:
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in refused(["strategy", "render", str(folder)], capsys)
