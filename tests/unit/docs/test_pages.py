"""Pages that are made from code say what the code says."""

import subprocess
import sys

import pytest

from conftest import ROOT


@pytest.mark.parametrize("tool", ["feature_catalogue", "api_reference"])
def test_a_page_is_up_to_date(tool: str) -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / f"{tool}.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
