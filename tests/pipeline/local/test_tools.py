"""The tools beside a pipeline that takes raw ticks: trigger makes it speak, watch shows it, health judges it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from up_process import Up


def dfp(up: Up, *arguments: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    """Run a command against the pipeline that `up` announced."""
    return subprocess.run(
        [sys.executable, "-m", "dfp.cli", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(up.folder)},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


@pytest.fixture
def open_pipeline(up: Up) -> Up:
    up.start("-f", str(ROOT / "examples"), "--source", "raw_ticks", "--clock", "ticks")
    up.until_open()
    return up


def test_every_scenario_has_its_effect_and_the_tools_tell_of_it(open_pipeline: Up) -> None:
    up = open_pipeline
    assert "waiting for ticks on dfp:raw_ticks" in up.output
    port = str(up.ports["--http-port"])

    breakout = dfp(up, "trigger", "breakout")
    assert breakout.returncode == 0, breakout.stdout + breakout.stderr
    assert "signal: breakout says Up on 600000.SH" in breakout.stdout
    assert "opportunity: 600000.SH Up" in breakout.stdout
    assert "risk Verified" in breakout.stdout

    watch = ("watch", "--url", f"http://127.0.0.1:{port}", "--json")
    filters = ("--symbol", "600000.sh", "--strategy", "breakout", "--side", "Up")
    watched = dfp(up, *watch, *filters, "--count", "1")
    assert json.loads(watched.stdout)["symbol"] == "600000.SH"
    others = dfp(up, *watch, "--strategy", "another", "--for", "2s")
    assert (others.returncode, others.stdout) == (0, "")

    volatility = dfp(up, "trigger", "volatility", "--symbol", "000001.SZ")
    assert volatility.returncode == 0, volatility.stdout
    assert "alert: Warning house/volatility on symbol/000001.SZ" in volatility.stdout

    silence = dfp(up, "trigger", "feed-stop")
    assert silence.returncode == 0, silence.stdout

    health = dfp(up, "health", "--port", port, "--json")
    assert health.returncode == 1
    report = json.loads(health.stdout)
    found = {check["name"]: check["state"] for check in report["checks"]}
    assert [name for name, state in found.items() if state != "ok"] == ["data"]
    assert {"aggregator", "risk-guard", "policies", "verdicts", "rest", "websocket"} <= set(found)

    assert dfp(up, "halt", "pipeline", "--reason", "a try").returncode == 0
    halted = dfp(up, "health", "--port", port)
    assert "degraded  halts" in halted.stdout
    assert "pipeline by person: a try" in halted.stdout


def test_a_pipeline_with_another_source_refuses_scenarios_and_is_healthy(up: Up) -> None:
    up.start("-f", str(ROOT / "examples"), "--symbols", "20")
    up.until_open()
    refused = dfp(up, "trigger", "breakout")
    assert refused.returncode == 2
    assert "reads synthetic" in refused.stderr
    assert "dfp up --source raw_ticks --clock ticks" in refused.stderr
    healthy = dfp(up, "health", "--port", str(up.ports["--http-port"]), "--wait", "60s")
    assert healthy.returncode == 0, healthy.stdout


def test_without_a_pipeline_each_tool_says_what_to_start(tmp_path: Path) -> None:
    nothing = Up(tmp_path)
    for arguments in (["health"], ["trigger", "breakout"], ["halt", "pipeline", "--reason", "why"]):
        ran = dfp(nothing, *arguments)
        assert ran.returncode == 2
        assert "no `dfp up` runs here" in ran.stderr
