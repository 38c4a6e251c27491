import os
from pathlib import Path

import msgspec
import psutil
import pytest

from dfp.local.directory import DataDirectory, Run, announce, is_alive, remove_leftovers, running, state_root
from dfp.local.mistake import UserMistake

DEAD = 2**22 + 1
"""Above every pid that Linux gives out."""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "dfp"


def test_without_a_choice_a_run_gets_a_new_directory_and_leaves_nothing_behind(root: Path) -> None:
    data = DataDirectory(None)
    assert root in data.path.parents
    assert data.logs.is_dir()
    assert data.valkey.is_dir()
    data.remove()
    assert not data.path.exists()


def test_what_a_killed_run_of_the_same_pid_left_is_not_taken_over() -> None:
    (DataDirectory(None).valkey / "appendonly.aof").write_text("old")
    assert list(DataDirectory(None).valkey.iterdir()) == []


def test_a_chosen_directory_is_kept(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "mine")
    data.remove()
    assert data.logs.is_dir()


def test_a_directory_that_cannot_be_made_is_refused_with_its_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserMistake, match=r"--data-dir: .*file/sub is not allowed; expected a folder that can be written"
    ):
        DataDirectory(tmp_path / "file" / "sub")


def test_a_state_root_that_cannot_be_written_says_to_use_data_dir(root: Path) -> None:
    root.write_text("")
    with pytest.raises(UserMistake, match="give a folder that can be written with --data-dir"):
        DataDirectory(None)


def test_a_relative_state_home_is_ignored_as_the_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_root() == Path.home() / ".local" / "state" / "dfp"


def test_a_running_pipeline_is_found_and_a_dead_one_forgotten(root: Path) -> None:
    note = announce("redis://127.0.0.1:1", "dfp", Path("/data"))
    dead = root / "running" / "dead.json"
    dead.write_bytes(msgspec.json.encode(Run(DEAD, 1.0, "redis://127.0.0.1:2", "dfp", "/gone")))
    (root / "running" / "broken.json").write_text("{")
    assert [run.redis_url for run in running()] == ["redis://127.0.0.1:1"]
    assert not dead.exists()
    assert note.stat().st_mode & 0o777 == 0o600


def test_a_reused_pid_is_not_the_process_that_was_meant() -> None:
    pid = os.getpid()
    began = psutil.Process(pid).create_time()
    assert is_alive(pid, began)
    assert not is_alive(pid, began - 3600)
    assert not is_alive(DEAD, began)


def test_directories_of_killed_runs_are_removed_and_those_of_living_ones_kept() -> None:
    mine = DataDirectory(None)
    killed = mine.path.parent / str(DEAD)
    killed.mkdir()
    remove_leftovers()
    assert mine.path.is_dir()
    assert not killed.exists()


def test_a_chosen_directory_with_the_data_of_an_earlier_run_is_refused(tmp_path: Path) -> None:
    (DataDirectory(tmp_path / "mine").valkey / "appendonlydir").mkdir()
    with pytest.raises(UserMistake, match="expected a folder without the data of an earlier run"):
        DataDirectory(tmp_path / "mine")
