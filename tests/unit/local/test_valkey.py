import os
from pathlib import Path

from dfp.local import valkey


def test_the_embedded_server_keeps_an_append_only_file_and_listens_on_loopback_only() -> None:
    lines = valkey.configuration(7001, Path("/data/valkey")).splitlines()
    assert "bind 127.0.0.1" in lines
    assert "port 7001" in lines
    assert "appendonly yes" in lines
    assert "appendfsync everysec" in lines
    assert 'save ""' in lines
    assert 'dir "/data/valkey"' in lines


def test_a_folder_with_spaces_and_quotes_is_quoted() -> None:
    assert r'dir "/a b/\"c\"/d\\e"' in valkey.configuration(1, Path('/a b/"c"/d\\e')).splitlines()


def test_the_server_is_a_program_of_the_wheel_with_its_own_configuration(tmp_path: Path) -> None:
    program = valkey.program(7001, tmp_path, tmp_path / "log")
    binary, configuration = program.command
    assert os.access(binary, os.X_OK)
    assert Path(configuration).read_text() == valkey.configuration(7001, tmp_path)
