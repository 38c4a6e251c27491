"""Fixtures of the tests that run processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from up_process import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """`dfp up`, not started yet; nothing of it is left behind."""
    folder = tmp_path / "up"
    folder.mkdir()
    up = Up(folder)
    yield up
    if up.process is not None and up.process.poll() is None:
        up.process.kill()
        up.process.wait()
