"""The plan: which processes a pipeline has, and what they are told."""

import json

import pytest
from pydantic import JsonValue

from dfp.engine.settings import EngineSettings
from dfp.runtime.settings import ServiceSettings
from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.manifest import parse
from dfp_operator.api.strategy import Strategy
from dfp_operator.plan.code import CodeFile, code_file, code_reference
from dfp_operator.plan.pipeline import plan_pipeline
from dfp_operator.plan.problem import PlanError
from dfp_operator.plan.process import Probe, ProcessSpec
from dfp_operator.plan.settings import PipelineSettings

SECRET_URL = "redis://user:secret@127.0.0.1:6379/0"
REPLAY = PipelineSettings(
    redis_url=SECRET_URL,
    feed="replay",
    feed_options={"speed": "max", "files": ["/data/a.parquet"]},
    features=("volume_ratio", "range_high_400", "volume_ratio"),
)
IN_CONFIG_MAP: JsonValue = {"configMap": {"name": "code"}, "entryPoint": "momentum:Breakout"}


def strategy(name: str = "momentum", namespace: str = "default", **spec: JsonValue) -> Strategy:
    document = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "Strategy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"code": {"builtin": "breakout"}, **spec},
    }
    (made,) = parse(json.dumps(document), "test.yaml")
    assert isinstance(made, Strategy)
    return made


def config_map(name: str = "code", namespace: str = "default", **data: str) -> ConfigMap:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}
    (made,) = parse(json.dumps({**document, "data": {f"{key}.py": text for key, text in data.items()}}), "test.yaml")
    assert isinstance(made, ConfigMap)
    return made


def by_name(*strategies: Strategy, settings: PipelineSettings = REPLAY) -> dict[str, ProcessSpec]:
    return {process.name: process for process in plan_pipeline(settings, strategies, {})}


def test_a_pipeline_has_one_process_for_each_service_and_one_engine_for_each_strategy() -> None:
    plan = plan_pipeline(REPLAY, [strategy("momentum"), strategy("drift")], {})
    assert [process.name for process in plan] == [
        "collector",
        "features",
        "aggregator",
        "api",
        "streamer",
        "gateway",
        "engine-drift",
        "engine-momentum",
    ]
    assert [process.ports["health"] for process in plan] == list(range(9100, 9108))


def test_a_paused_strategy_has_no_process() -> None:
    assert "engine-momentum" not in by_name(strategy(mode="Paused"))


def test_one_strategy_more_changes_no_other_service() -> None:
    before, after = by_name(strategy("b")), by_name(strategy("a"), strategy("b"))
    assert {name: after[name] for name in before if not name.startswith("engine")} == {
        name: process for name, process in before.items() if not name.startswith("engine")
    }


def test_arguments_say_only_which_service_and_all_else_is_in_the_environment() -> None:
    for process in by_name(strategy()).values():
        assert process.command == ("dfp", "run", process.service)
        assert process.environment["DFP_REDIS_URL"] == SECRET_URL


def test_every_process_knows_its_identity_and_answers_probes_on_its_health_port() -> None:
    for process in by_name(strategy()).values():
        port = process.ports["health"]
        common = {
            "DFP_INSTANCE": process.name,
            "DFP_HEALTH_HOST": "127.0.0.1",
            "DFP_HEALTH_PORT": str(port),
            "DFP_STREAM_PREFIX": "dfp",
            "DFP_PARTITION": "0",
            "DFP_LOG_FORMAT": "json",
        }
        assert common.items() <= process.environment.items()
        assert process.liveness == Probe("/health/live", port)
        assert process.readiness == Probe("/health/ready", port)


def test_the_collector_is_told_its_feed() -> None:
    environment = by_name()["collector"].environment
    assert environment["DFP_FEED"] == "replay"
    assert environment["DFP_FEED_OPTIONS"] == '{"files":["/data/a.parquet"],"speed":"max"}'
    assert environment["DFP_FRAME_ROWS"] == "512"


def test_the_feature_pipeline_is_told_each_feature_once_in_order() -> None:
    assert by_name()["features"].environment["DFP_FEATURES"] == '["range_high_400","volume_ratio"]'


def test_an_engine_is_told_its_strategy() -> None:
    planned = strategy(
        mode="Live",
        parameters={"b": 2.5, "a": "东"},
        universe={"include": [{"board": "STAR"}, {"symbols": ["600000.sh"]}], "exclude": [{"status": "ST"}]},
        pod={"env": [{"name": "TOKEN", "value": "x"}]},
    )
    environment = by_name(planned)["engine-momentum"].environment
    assert environment["TOKEN"] == "x"
    assert environment["DFP_STRATEGY"] == "momentum"
    assert environment["DFP_STRATEGY_CODE"] == "entrypoint:breakout"
    assert environment["DFP_STRATEGY_MODE"] == "Live"
    assert environment["DFP_STRATEGY_PARAMETERS"] == '{"a":"东","b":2.5}'
    assert json.loads(environment["DFP_STRATEGY_UNIVERSE"]) == {
        "include": [{"board": "STAR"}, {"symbols": ["600000.SH"]}],
        "exclude": [{"status": "ST"}],
    }


def test_the_gateway_is_told_where_the_other_doors_are() -> None:
    plan = by_name(settings=PipelineSettings("redis://x", "synthetic", api_port=1, streamer_port=2, gateway_port=3))
    assert plan["api"].environment["DFP_HTTP_PORT"] == "1"
    assert plan["streamer"].environment["DFP_HTTP_PORT"] == "2"
    assert plan["gateway"].environment["DFP_HTTP_PORT"] == "3"
    assert plan["gateway"].environment["DFP_HTTP_HOST"] == "127.0.0.1"
    assert plan["gateway"].environment["DFP_API_UPSTREAMS"] == '["127.0.0.1:1"]'
    assert plan["gateway"].environment["DFP_STREAMER_UPSTREAMS"] == '["127.0.0.1:2"]'
    assert plan["gateway"].environment["DFP_STREAMER_HEALTH_PORT"] == str(plan["streamer"].readiness.port)


def test_the_source_stops_first_and_the_door_of_the_clients_last() -> None:
    plan = sorted(by_name(strategy("a"), strategy("b")).values(), key=lambda process: process.stop_order)
    services = [process.service for process in plan]
    assert services == ["collector", "features", "engine", "engine", "aggregator", "api", "streamer", "gateway"]
    assert all(process.grace_seconds > 0 for process in plan)


def test_services_accept_what_the_plan_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for process in by_name(strategy(parameters={"a": 1})).values():
        with monkeypatch.context() as environment:
            for variable, value in process.environment.items():
                environment.setenv(variable, value)
            settings = EngineSettings() if process.service == "engine" else ServiceSettings()
            assert settings.instance == process.name
            assert settings.redis_url == SECRET_URL
            if isinstance(settings, EngineSettings):
                assert settings.strategy_parameters == {"a": 1}


def test_health_ports_leave_out_the_doors_and_repetitions() -> None:
    settings = PipelineSettings(
        "redis://x", "synthetic", api_port=9101, health_ports=(9100, 9101, 9100, *range(9102, 9107))
    )
    ports = [process.ports["health"] for process in by_name(settings=settings).values()]
    assert ports == [9100, 9102, 9103, 9104, 9105, 9106]


def test_too_few_health_ports_are_refused() -> None:
    with pytest.raises(PlanError, match="health_ports: 2 are too few; expected one for each process"):
        by_name(settings=PipelineSettings("redis://x", "synthetic", health_ports=(9100, 9101)))


def test_two_doors_on_one_port_are_refused() -> None:
    with pytest.raises(PlanError, match=r"\(8000, 8000, 8888\) are not allowed; expected three different ports"):
        by_name(settings=PipelineSettings("redis://x", "synthetic", streamer_port=8000))


def test_strategies_of_two_pipelines_are_refused_with_their_names() -> None:
    with pytest.raises(PlanError, match=r"2 pipelines: alpha/default \(Strategy a\), default/default \(Strategy b\)"):
        by_name(strategy("a", "alpha"), strategy("b"))
    with pytest.raises(PlanError, match=r"2 pipelines: default/default \(Strategy a\), default/night \(Strategy b\)"):
        by_name(strategy("a"), strategy("b", pipelineRef={"name": "night"}))


def test_two_strategies_of_one_name_are_refused() -> None:
    with pytest.raises(PlanError, match=r"Strategy momentum: metadata\.name stands twice"):
        by_name(strategy(), strategy(mode="Live"))


def test_a_variable_from_a_secret_is_refused_where_there_are_no_secrets() -> None:
    source: JsonValue = {"secretKeyRef": {"name": "broker", "key": "token"}}
    planned = strategy(pod={"env": [{"name": "TOKEN", "valueFrom": source}]})
    with pytest.raises(PlanError, match=r"Strategy momentum: spec\.pod\.env: TOKEN comes from Secret broker"):
        by_name(planned)


def test_code_of_a_config_map_is_found_by_the_module_of_its_entry_point() -> None:
    found = code_file(strategy(code=IN_CONFIG_MAP), [config_map(momentum="x = 1", other=""), config_map("b")])
    assert found == CodeFile("momentum.py", "x = 1", {"other.py": ""})


def test_code_of_a_config_map_is_found_by_its_key_and_keeps_the_module_as_file_name() -> None:
    code: JsonValue = {"configMap": {"name": "code", "key": "v2.py"}, "entryPoint": "momentum:Breakout"}
    assert code_file(strategy(code=code), [config_map(v2="x = 2")]) == CodeFile("momentum.py", "x = 2")


def test_builtin_code_needs_no_file() -> None:
    assert code_file(strategy(), []) is None
    assert code_reference(strategy(), {}) == "entrypoint:breakout"


def test_a_reference_to_a_file_names_path_and_class() -> None:
    assert code_reference(strategy(code=IN_CONFIG_MAP), {"momentum": "/run/code/momentum.py"}) == (
        "file:/run/code/momentum.py:Breakout"
    )


def test_a_strategy_without_its_file_is_refused() -> None:
    with pytest.raises(PlanError, match=r"Strategy momentum: spec\.code: its source file is not there"):
        by_name(strategy(code=IN_CONFIG_MAP))


@pytest.mark.parametrize(
    ("config_maps", "message"),
    [
        ([], 'configMap.name: "code" is not there; expected a ConfigMap in namespace default; none is given'),
        ([config_map("codes", momentum="")], '"code" is not there; expected codes; did you mean codes?'),
        ([config_map(namespace="alpha", momentum="")], "expected a ConfigMap in namespace default; none is given"),
        (
            [config_map(momentun="", other="")],
            'key: "momentum.py" is not there; expected one of momentun.py, other.py; did you mean momentun.py?',
        ),
        ([config_map()], "expected a key in ConfigMap code, which has no data"),
    ],
)
def test_missing_code_is_named_with_what_is_there(config_maps: list[ConfigMap], message: str) -> None:
    with pytest.raises(PlanError) as refusal:
        code_file(strategy(code=IN_CONFIG_MAP), config_maps)
    assert "Strategy momentum: spec.code." in str(refusal.value)
    assert message in str(refusal.value)


def test_an_artifact_is_refused_where_nothing_can_mount_it() -> None:
    code: JsonValue = {"artifact": {"reference": "registry.example.org/a/b"}, "entryPoint": "a:B"}
    with pytest.raises(
        PlanError, match=r"spec\.code\.artifact: .* is mounted by Kubernetes only; expected builtin or conf"
    ):
        code_file(strategy(code=code), [])
