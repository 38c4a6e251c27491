"""`dfp up` as people run it: real services, real server, real signals."""

import json
import os
import signal
import socket
import time
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from dfp.local.directory import Run
from up_process import Up

SZ5 = "ashare_sz5_snapshot_20220601.parquet"
SERVICES = {"collector", "features", "aggregator", "api", "streamer", "gateway"}


def run_of(up: Up) -> Run:
    """What a running pipeline says of itself to `dfp tap`."""
    (file,) = (up.folder / "dfp" / "running").glob("*.json")
    return msgspec.json.decode(file.read_bytes(), type=Run)


def gone(processes: list[psutil.Process]) -> bool:
    return not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(processes, timeout=30)
    assert gone(left)


@pytest.fixture(scope="module")
def replay(marketdata: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Up, dict[str, Any]]:
    """One undisturbed replay at full speed, with its report."""
    up = Up(tmp_path_factory.mktemp("replay"))
    report = up.folder / "r.json"
    up.start("--source", "replay", "--data", str(marketdata / SZ5), "--report", str(report))
    assert up.end() == 0, up.output
    return up, json.loads(report.read_bytes())


def test_a_replay_ends_by_itself_and_reports_what_it_read_and_found(replay: tuple[Up, dict[str, Any]]) -> None:
    up, found = replay
    assert found["rows"]["accepted"] == found["rows"]["read"] == 20_980
    assert sum(found["rows"]["phases"].values()) == 20_980
    assert all(number > 0 for number in found["signals"].values())
    assert found["streams"]["dfp:strategy_signals"] == sum(found["signals"].values())
    assert found["streams"]["dfp:clean_ticks"] == found["streams"]["dfp:features"]
    assert 0 < found["opportunities"] <= found["streams"]["dfp:opportunities"]
    assert found["latency_ms"]["end_to_end"]["p50"] > 0
    assert set(found["latency_ms"]["hops"]) >= {"feature", "signal", "opportunity", "receive"}
    assert set(found["restarts"].values()) == {0}
    assert set(found["signal_sha256"]) == {f"{name}/0" for name in found["signals"]}
    assert "errors" not in found
    assert list((up.folder / "dfp" / "runs").iterdir()) == []


def test_other_frames_and_killed_services_change_no_signal(
    up: Up, replay: tuple[Up, dict[str, Any]], marketdata: Path
) -> None:
    report = up.folder / "r.json"
    data = ("--source", "replay", "--data", str(marketdata / SZ5))
    up.start(*data, "--speed", "2000", "--frame-rows", "random:7", "--report", str(report))
    up.until_open()
    victims = ("features", "engine-breakout", "valkey", "aggregator", "collector")
    for name in victims:
        up.child(name).kill()
        time.sleep(0.3)
    assert up.end() == 0, up.output
    _, undisturbed = replay
    killed = json.loads(report.read_bytes())
    assert killed["signal_sha256"] == undisturbed["signal_sha256"]
    assert killed["rows"] == undisturbed["rows"]
    assert all(killed["restarts"][name] >= 1 for name in victims)


def test_a_synthetic_market_runs_until_ctrl_c_and_leaves_nothing(up: Up) -> None:
    up.start("--symbols", "20")
    up.until_open()
    with urllib.request.urlopen(f"http://127.0.0.1:{up.ports['--http-port']}/opportunities") as answer:
        assert answer.status == 200
    children = up.children()
    assert set(children) >= SERVICES | {"valkey"}
    data = Path(run_of(up).data)
    assert (data / "logs" / "collector.log").is_file()
    assert up.process is not None
    up.process.send_signal(signal.SIGINT)
    assert up.end() == 0, up.output
    assert gone(list(children.values()))
    assert not data.exists()
    assert list((up.folder / "dfp" / "running").iterdir()) == []


def test_a_run_with_a_time_ends_by_itself_with_a_report(up: Up) -> None:
    report = up.folder / "r.json"
    up.start("--symbols", "20", "--for", "3s", "--report", str(report))
    assert up.end() == 0, up.output
    found = json.loads(report.read_bytes())
    assert found["rows"]["accepted"] > 0
    assert "errors" not in found


def test_killing_dfp_up_itself_leaves_no_process(up: Up) -> None:
    up.start("--symbols", "20")
    up.until_open()
    assert up.process is not None
    family = psutil.Process(up.process.pid).children(recursive=True)
    up.process.kill()
    up.process.wait()
    wait_until_gone(family)


def test_a_taken_port_is_refused_with_its_owner_before_anything_starts(up: Up) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        up.start("--http-port", str(port))
        assert up.end() == 2
    assert f"--http-port: port {port} is taken by pid {os.getpid()}" in up.output


@pytest.mark.parametrize("shared_server", ["redis"], indirect=True)
def test_a_prefix_on_a_shared_redis_has_one_owner_and_its_data_is_neither_continued_nor_deleted(
    up: Up, redis_url: str
) -> None:
    up.start("--symbols", "20", "--redis", redis_url, "--prefix", "desk")
    up.until_open()
    assert up.process is not None
    folder = up.folder / "second"
    folder.mkdir()
    second = Up(folder)
    second.start("--redis", redis_url, "--prefix", "desk")
    assert second.end() == 2
    assert "--prefix 'desk' is in use by" in second.output
    assert f"pid {up.process.pid}" in second.output
    up.process.terminate()
    assert up.end() == 0, up.output
    second.start("--redis", redis_url, "--prefix", "desk")
    assert second.end() == 2
    assert "of an earlier run; choose another --prefix" in second.output


def test_a_strategy_that_cannot_be_loaded_ends_the_start_with_its_mistake(up: Up) -> None:
    manifests = up.folder / "manifests"
    manifests.mkdir()
    (manifests / "rising.py").write_text("import socket\n")
    (manifests / "rising.yaml").write_text(
        "apiVersion: dongfengpo.io/v1alpha1\nkind: Strategy\nmetadata: {name: rising}\n"
        'spec: {mode: Live, code: {configMap: {name: rising-code}, entryPoint: "rising:Rising"}}\n'
    )
    up.start("-f", str(manifests))
    assert up.end() == 2
    assert "strategy 'rising':" in up.output
    assert "rising.py:1" in up.output
    assert "Traceback" not in up.output
