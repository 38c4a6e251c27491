"""Every command in README works. Ports and times are replaced so that the test can run anywhere; nothing else is."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from conftest import ROOT
from up_process import Up

COMMANDS = {
    "make demo",
    "make test",
    "curl localhost:8888/opportunities",
    ".venv/bin/dfp up -f examples/ --for 60s --report report.json",
    ".venv/bin/dfp up --help",
    ".venv/bin/dfp up --source raw_ticks --clock ticks",
    *(
        TRIED := (
            ".venv/bin/dfp trigger breakout",
            ".venv/bin/dfp trigger volatility --symbol 000001.SZ",
            '.venv/bin/dfp halt pipeline --reason "wrong prices from the feed"',
            ".venv/bin/dfp health",
            '.venv/bin/dfp release pipeline --reason "prices are right again"',
        )
    ),
}


def commands(page: str) -> set[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return {line for block in blocks for line in block.strip().splitlines()}


def make(*arguments: str) -> str:
    """What make says; `make test` runs this test, and its own flags are not ours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_readme_has_no_command_that_is_not_tried_here(page: str) -> None:
    assert commands(page) <= COMMANDS


def test_make_knows_the_commands_of_readme() -> None:
    listed = make("help")
    for target in ("demo", "test", "install", "lint", "bench"):
        assert f"make {target} " in listed


def test_the_demo_shows_opportunities_and_answers_curl(up: Up) -> None:
    assert make("--dry-run", "demo").splitlines()[-1].split() == [".venv/bin/dfp", "up"]
    up.start()
    up.until_open()
    found: dict[str, list[object]] = {}
    while not found.get("opportunities"):
        assert up.process is not None
        assert up.process.poll() is None, up.output
        with urllib.request.urlopen(f"http://localhost:{up.ports['--http-port']}/opportunities") as answer:
            found = json.load(answer)
        time.sleep(0.05)
    with urllib.request.urlopen(f"http://localhost:{up.ports['--http-port']}/") as page:
        assert "东风破" in page.read().decode()
    assert up.process is not None
    up.process.terminate()
    assert up.end() == 0, up.output


def test_a_run_with_the_examples_ends_by_itself_and_leaves_a_report(up: Up, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    up.start("-f", str(ROOT / "examples"), "--for", "5s", "--report", str(report))
    assert up.end() == 0, up.output
    assert json.loads(report.read_bytes())["rows"]["accepted"] > 0


def test_the_tools_do_what_readme_says_one_after_the_other(up: Up) -> None:
    up.start("--source", "raw_ticks", "--clock", "ticks")
    up.until_open()
    environment = {**os.environ, "XDG_STATE_HOME": str(up.folder)}
    codes = []
    for command in TRIED:
        _, *arguments = shlex.split(command)
        if arguments == ["health"]:
            arguments += ["--port", str(up.ports["--http-port"])]
        ran = subprocess.run([sys.executable, "-m", "dfp.cli", *arguments], env=environment, cwd=ROOT)
        codes.append(ran.returncode)
    degraded = 1  # a halt holds, and the feed is silent
    assert codes == [0, 0, 0, degraded, 0]
    assert up.process is not None
    up.process.terminate()
    assert up.end() == 0, up.output


def test_help_shows_examples() -> None:
    help_text = subprocess.run(
        [ROOT / ".venv" / "bin" / "dfp", "up", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "Examples:" in help_text
