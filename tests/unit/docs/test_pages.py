"""Pages that are made from code say what the code says."""

import subprocess
import sys

from conftest import ROOT


def test_the_feature_catalogue_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "feature_catalogue.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
