"""A plan depends on what is asked for, not on the order in which it is said."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp_operator.api.manifest import parse
from dfp_operator.api.strategy import Mode, Strategy
from dfp_operator.plan.pipeline import plan_pipeline
from dfp_operator.plan.settings import PipelineSettings

NAMES = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")


def strategy(name: str, mode: str, parameters: dict[str, Any]) -> Strategy:
    document = {
        "apiVersion": "dongfengpo.io/v1alpha1",
        "kind": "Strategy",
        "metadata": {"name": name},
        "spec": {"mode": mode, "code": {"builtin": "a"}, "parameters": parameters},
    }
    (made,) = parse(json.dumps(document), "test.yaml")
    assert isinstance(made, Strategy)
    return made


PARAMETERS = st.dictionaries(st.sampled_from("abcd"), st.integers() | st.booleans(), max_size=4)
STRATEGIES = st.lists(
    st.builds(strategy, NAMES, st.sampled_from(list(Mode)), PARAMETERS),
    max_size=6,
    unique_by=lambda made: made.metadata.name,
)
PORTS = st.lists(st.integers(1, 65_535), min_size=3, max_size=3, unique=True)


@settings(deadline=None)
@given(STRATEGIES, st.lists(st.sampled_from("abcdef")), PORTS, st.data())
def test_the_order_of_what_is_asked_for_does_not_change_the_plan(
    strategies: list[Strategy], features: list[str], doors: list[int], data: st.DataObject
) -> None:
    def pipeline(features: list[str], options: list[tuple[str, int]]) -> PipelineSettings:
        api, streamer, gateway = doors
        return PipelineSettings(
            redis_url="redis://127.0.0.1:6379",
            feed="synthetic",
            feed_options=dict(options),
            features=tuple(features),
            api_port=api,
            streamer_port=streamer,
            gateway_port=gateway,
        )

    options = [("seed", 7), ("speed", 1), ("symbols", 300)]
    plan = plan_pipeline(pipeline(features, options), strategies, {})
    again = plan_pipeline(
        pipeline(data.draw(st.permutations(features)), data.draw(st.permutations(options))),
        data.draw(st.permutations(strategies)),
        {},
    )
    assert plan == again
    assert [list(process.environment.items()) for process in plan] == [list(p.environment.items()) for p in again]


@settings(deadline=None)
@given(STRATEGIES, PORTS)
def test_names_identities_and_ports_are_unique(strategies: list[Strategy], doors: list[int]) -> None:
    api, streamer, gateway = doors
    pipeline = PipelineSettings("redis://x", "synthetic", api_port=api, streamer_port=streamer, gateway_port=gateway)
    plan = plan_pipeline(pipeline, strategies, {})
    for found in (
        [process.name for process in plan],
        [process.environment["DFP_INSTANCE"] for process in plan],
        [port for process in plan for port in process.ports.values()],
    ):
        assert len(set(found)) == len(found)
    running = [strategy for strategy in strategies if strategy.spec.mode is not Mode.PAUSED]
    assert len([process for process in plan if process.service == "engine"]) == len(running)
