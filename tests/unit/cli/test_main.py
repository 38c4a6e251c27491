"""The command line as people meet it, mistakes included."""

import os
import runpy
import subprocess
import sys
import types
from pathlib import Path

import pytest
from pydantic import ValidationError

from conftest import free_port
from dfp.cli.main import main
from dfp.cli.run import settings_mistakes
from dfp.contracts.errors import ContractError


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_help_lists_the_commands_and_each_command_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    for command in ("up", "run", "tap", "version"):
        assert f"\n  {command}" in listed
        assert main([command, "--help"]) == 0
        assert "Example" in capsys.readouterr().out


def test_help_imports_no_heavy_room() -> None:
    code = "import sys; from dfp.cli.main import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "numba", "redis", "pydantic_settings", "pyarrow", "dfp.local.up"):
        assert f"'{heavy}'" not in ran.stderr


def test_version_names_dfp_and_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("dfp ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "--source", "live"], "'live' is not one of 'synthetic', 'replay'"),
        (["up", "--speed", "fast"], "--speed: 'fast' is not allowed; expected a number above 0"),
        (["up", "--for", "60"], "--for: '60' is not allowed; expected a whole number with a unit"),
        (["up", "--redis", "localhost"], "--redis: 'localhost' is not allowed; expected redis://HOST:PORT"),
        (["up", "--prefix", "A"], "--prefix: 'A' is not allowed"),
        (["up", "--frame-rows", "0"], "--frame-rows: '0' is not allowed"),
        (["up", "--source", "replay"], "--data is missing"),
        (["up", "--source", "replay", "--data", "gone.csv"], "--data: gone.csv: there is no such file"),
        (["up", "--report", "/no/such/folder/r.json"], "--report: /no/such/folder/r.json is not allowed"),
        (["up", "-f", "/no/such/folder"], "-f: /no/such/folder is not allowed; expected an existing file or folder"),
        (["up", "--http-port", "0"], "--http-port: 0 is not allowed; expected a port from 1 to 65535"),
        (["up", "--http-port", "x"], "--http-port"),
        (["up", "--colour"], "--colour"),
        (["run", "risk"], "'risk' is not one of 'collector'"),
        (["tap", "features", "--redis", "http://x"], "--redis: 'http://x' is not allowed"),
        (["tap", "features", "--from", "middle"], "'middle' is not one of 'start', 'new'"),
        (["launch"], "launch"),
    ],
)
def test_a_mistake_is_a_message_and_exit_code_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split())
    assert "Traceback" not in shown.err + shown.out


def test_without_a_running_pipeline_tap_says_how_to_get_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tap", "features"]) == 2
    assert "no `dfp up` runs here; start one, or give the server with --redis" in capsys.readouterr().err


def test_a_service_runs_its_own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setitem(sys.modules, "dfp.features.service", types.SimpleNamespace(main=lambda: ran.append("features")))
    assert main(["run", "features"]) == 0
    assert ran == ["features"]


def test_wrong_settings_are_named_by_environment_variable_value_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFP_HTTP_PORT", "99999")
    monkeypatch.setenv("DFP_REDIS_URL", "http://user:secret@host")
    assert main(["run", "api"]) == 2
    shown = capsys.readouterr().err
    assert "DFP_HTTP_PORT: '99999' is not allowed; input should be less than or equal to 65535" in shown
    assert "DFP_REDIS_URL: (hidden, it may hold a password) is not allowed" in shown
    assert "secret" not in shown


def test_a_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from dfp.engine.settings import EngineSettings

    for name in ("DFP_STRATEGY", "DFP_STRATEGY_CODE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValidationError) as refused:
        EngineSettings()  # type: ignore[call-arg]
    assert "DFP_STRATEGY is not set" in settings_mistakes(refused.value)


def test_a_list_that_is_no_json_is_a_mistake_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFP_STRATEGY", "a")
    monkeypatch.setenv("DFP_STRATEGY_CODE", "entrypoint:a")
    monkeypatch.setenv("DFP_STRATEGY_PARAMETERS", "{")
    from dfp.engine.settings import EngineSettings

    monkeypatch.setitem(sys.modules, "dfp.engine.service", types.SimpleNamespace(main=EngineSettings))
    assert main(["run", "engine"]) == 2
    assert "strategy_parameters" in capsys.readouterr().err


def test_a_strategy_that_cannot_be_loaded_is_a_message_of_its_engine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFP_STRATEGY", "rising")
    monkeypatch.setenv("DFP_STRATEGY_CODE", "file:/no/such/file.py:Rising")
    assert main(["run", "engine"]) == 2
    shown = capsys.readouterr().err
    assert "dfp: /no/such/file.py: No such file or directory; expected a Python file" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("service", ["collector", "aggregator", "risk-guard"])
def test_reference_data_that_cannot_be_used_are_a_message_of_the_service_that_reads_them(
    service: str, tmp_path: Path
) -> None:
    path = tmp_path / "reference.csv"
    path.write_text("symbol,session,st\n600000.SH,20261125,maybe\n")
    settings = {"DFP_FEED": "synthetic", "DFP_HEALTH_PORT": str(free_port()), "DFP_REFERENCE_DATA": f'["{path}"]'}
    ran = subprocess.run(
        [sys.executable, "-m", "dfp.cli", "run", service],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    allowed = "true, false, 1, 0, or nothing when it is unknown"
    message = f"DFP_REFERENCE_DATA: {path}, row 1: st: 'maybe' is not allowed; expected {allowed}"
    assert (ran.returncode, ran.stderr) == (2, f"dfp: {message}\n"), ran.stdout
    assert "Traceback" not in ran.stdout


def test_a_contract_that_is_broken_far_inside_still_ends_as_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ContractError("DFP_FRAME_ROWS", "0", "1 to 65536")

    monkeypatch.setitem(sys.modules, "dfp.collector.service", types.SimpleNamespace(main=broken))
    assert main(["run", "collector"]) == 2
    assert "DFP_FRAME_ROWS: '0' is not allowed; expected 1 to 65536" in capsys.readouterr().err


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["dfp", "version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("dfp.cli", run_name="__main__")
    assert ended.value.code == 0
