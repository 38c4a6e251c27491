from pathlib import Path

import pytest

from dfp.cli.pipeline import locate
from dfp.cli.stream import full_name
from dfp.local.directory import announce
from dfp.local.mistake import UserMistake


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("DFP_REDIS_URL", "DFP_STREAM_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_the_pipeline_that_runs_here_is_found_without_an_option() -> None:
    announce("redis://127.0.0.1:7001", "desk", Path("/data"))
    assert locate(None, None) == ("redis://127.0.0.1:7001", "desk")
    assert locate(None, "desk") == ("redis://127.0.0.1:7001", "desk")
    with pytest.raises(UserMistake, match="no `dfp up` runs here"):
        locate(None, "other")


def test_an_option_goes_before_the_environment_and_the_environment_before_what_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announce("redis://127.0.0.1:7001", "desk", Path("/data"))
    monkeypatch.setenv("DFP_REDIS_URL", "redis://127.0.0.1:7002")
    assert locate(None, None) == ("redis://127.0.0.1:7002", "dfp")
    monkeypatch.setenv("DFP_STREAM_PREFIX", "research")
    assert locate("unix:///run/redis.sock", None) == ("unix:///run/redis.sock", "research")
    assert locate(None, "mine") == ("redis://127.0.0.1:7002", "mine")


def test_a_stream_is_named_with_or_without_its_prefix() -> None:
    assert full_name("features", "dfp") == "dfp:features"
    assert full_name("dfp:features", "dfp") == "dfp:features"
    assert full_name("journal:engine/a", "dfp") == "dfp:journal:engine/a"
