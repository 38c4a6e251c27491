"""Machine code of old sources must not come back."""

from pathlib import Path

from numba.core import config

from dfp.features import kernel, program
from dfp.features.compiler import SOURCES, digest


def test_what_was_compiled_is_kept_for_these_sources_only(tmp_path: Path) -> None:
    assert digest(SOURCES) in config.CACHE_DIR
    assert {Path(module.__file__) for module in (kernel, program)} < set(SOURCES)
    source = tmp_path / "source.py"
    source.write_text("A = 1")
    first = digest([source])
    source.write_text("A = 2")
    assert digest([source]) != first
