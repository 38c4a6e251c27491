import asyncio
import json
import sys
from pathlib import Path

import pytest

from conftest import free_port
from dfp.features.catalog import DEFAULT
from dfp.local.mistake import UserMistake
from dfp.local.options import Options
from dfp.local.programs import plan, processes, program, stop_groups
from dfp.local.resolve import Resolved, read
from dfp.local.source import Source
from dfp_operator.api.strategy import Strategy

PORTS = range(9100, 9120)

MANIFEST = """
apiVersion: dongfengpo.io/v1alpha1
kind: Strategy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{mode: Live, code: {{builtin: example}}}}
"""


def strategies(folder: Path, *names: str, namespace: str = "default") -> tuple[Strategy, ...]:
    files = []
    for name in names:
        file = folder / f"{namespace}-{name}.yaml"
        file.write_text(MANIFEST.format(name=name, namespace=namespace))
        files.append(file)
    return tuple(item for items in read(files).values() for item in items if isinstance(item, Strategy))


@pytest.fixture
def options() -> Options:
    return Options(
        manifests=(),
        source=Source.REPLAY,
        data=(Path("/data/day.csv"),),
        reference=(),
        clock=None,
        speed=None,
        symbols=None,
        seed=None,
        duration_s=None,
        report=None,
        redis_url=None,
        data_dir=None,
        prefix="desk",
        frame_rows="random:7",
        http_port=18888,
        api_port=18000,
        ws_port=18100,
    )


def test_the_plan_holds_every_service_and_one_engine_a_strategy(options: Options, tmp_path: Path) -> None:
    resolved = Resolved(strategies(tmp_path, "a", "b"), (), {}, ("zscore_7",))
    specs = {spec.name: spec for spec in plan(options, resolved, "redis://127.0.0.1:7001", PORTS, ())}
    assert sorted(specs) == [
        "aggregator",
        "api",
        "collector",
        "engine-a",
        "engine-b",
        "features",
        "gateway",
        "streamer",
    ]
    collector = specs["collector"].environment
    assert collector["DFP_FEED"] == "replay"
    assert collector["DFP_FEED_OPTIONS"] == '{"files":["/data/day.csv"],"speed":null}'
    assert collector["DFP_FRAME_ROWS"] == "random:7"
    assert collector["DFP_REDIS_URL"] == "redis://127.0.0.1:7001"
    assert collector["DFP_STREAM_PREFIX"] == "desk"
    assert set(json.loads(specs["features"].environment["DFP_FEATURES"])) == {*DEFAULT, "zscore_7"}
    assert [specs[name].ports["http"] for name in ("api", "streamer", "gateway")] == [18000, 18100, 18888]


def test_health_ports_are_all_different(options: Options, tmp_path: Path) -> None:
    specs = plan(options, Resolved(strategies(tmp_path, "a", "b"), (), {}, ()), "redis://127.0.0.1:7001", PORTS, ())
    assert len({spec.ports["health"] for spec in specs}) == len(specs)
    assert len(specs) < processes(Resolved(strategies(tmp_path, "a", "b"), (), {}, ()))


def test_strategies_of_two_namespaces_cannot_run_together(options: Options, tmp_path: Path) -> None:
    both = (*strategies(tmp_path, "a"), *strategies(tmp_path, "b", namespace="other"))
    with pytest.raises(UserMistake, match="resources belong to 2 pipelines"):
        plan(options, Resolved(both, (), {}, ()), "redis://127.0.0.1:7001", PORTS, ())


def test_services_run_under_this_interpreter_with_a_log_and_a_probe_each(options: Options, tmp_path: Path) -> None:
    nobody = [free_port() for _ in PORTS]  # the probe is asked, and another test may run a pipeline on the usual ports
    specs = plan(options, Resolved(strategies(tmp_path, "a"), (), {}, ()), "redis://x", nobody, ())
    spec = next(spec for spec in specs if spec.name == "api")
    made = program(spec, tmp_path)
    assert made.command == (sys.executable, "-m", "dfp.cli", "run", "api")
    assert made.log == tmp_path / "api.log"
    assert made.environment["PYTHONUNBUFFERED"] == "1"
    assert made.grace_s == spec.grace_seconds
    assert asyncio.run(made.probe()).ready is False


def test_the_collector_stops_first_and_the_gateway_last_and_engines_stop_together(
    options: Options, tmp_path: Path
) -> None:
    specs = plan(options, Resolved(strategies(tmp_path, "a", "b"), (), {}, ()), "redis://127.0.0.1:7001", PORTS, ())
    assert stop_groups(specs) == [
        ["collector"],
        ["features"],
        ["engine-a", "engine-b"],
        ["aggregator"],
        ["api"],
        ["streamer"],
        ["gateway"],
    ]
    assert stop_groups(()) == []
