"""Settings of the gateway that a person can get wrong: the message says which, and what is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest

import certificate


def refusal(**environment: str) -> str:
    """What `dfp run gateway` says to these settings."""
    ran = subprocess.run(
        [sys.executable, "-m", "dfp.cli", "run", "gateway"],
        env={"PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return certificate.make(tmp_path)


def test_a_certificate_without_key_is_refused(pair: tuple[Path, Path]) -> None:
    said = refusal(DFP_TLS_CERTIFICATE=str(pair[0]))
    assert "DFP_TLS_KEY: None is not allowed" in said
    assert "both or neither" in said


def test_a_key_without_certificate_is_refused(pair: tuple[Path, Path]) -> None:
    assert "both or neither" in refusal(DFP_TLS_KEY=str(pair[1]))


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    absent = str(tmp_path / "absent.pem")
    said = refusal(DFP_TLS_CERTIFICATE=absent, DFP_TLS_KEY=str(pair[1]))
    assert f"DFP_TLS_CERTIFICATE: '{absent}' is not allowed" in said
    assert "No such file" in said
    assert absent in refusal(DFP_TLS_CERTIFICATE=str(pair[0]), DFP_TLS_KEY=absent)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    _, other = certificate.make(tmp_path, "other")
    said = refusal(DFP_TLS_CERTIFICATE=str(pair[0]), DFP_TLS_KEY=str(other))
    assert f"DFP_TLS_KEY: '{other}' is not allowed" in said
    assert "private key" in said


def test_a_key_with_a_password_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    chain, key = certificate.make(tmp_path, "locked", password="s3cret")
    assert "without password" in refusal(DFP_TLS_CERTIFICATE=str(chain), DFP_TLS_KEY=str(key))


def test_what_is_no_pem_file_is_refused(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    page = tmp_path / "page.pem"
    page.write_text("<html>")
    assert "PEM file" in refusal(DFP_TLS_CERTIFICATE=str(page), DFP_TLS_KEY=str(pair[1]))
    assert "PEM file" in refusal(DFP_TLS_CERTIFICATE=str(pair[0]), DFP_TLS_KEY=str(page))


def test_a_health_port_that_is_none_is_refused() -> None:
    assert "DFP_STREAMER_HEALTH_PORT: '70000' is not allowed" in refusal(DFP_STREAMER_HEALTH_PORT="70000")
