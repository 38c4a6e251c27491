"""/openapi.json: every route is described, by names that stay, with examples that are what they say."""

from typing import Any

import msgspec
import pytest

from conftest import free_port
from dfp.api.app import create_app
from dfp.api.described import JSON
from dfp.api.inquiry import Inquiry
from dfp.api.memory import Memory
from dfp.contracts.names import Names
from dfp.log.connection import connect
from dfp.runtime.probes import Health

OPERATIONS = {
    "create_halt", "get_liveness", "get_market", "get_metrics", "get_opportunity", "get_opportunity_history",
    "get_outcome", "get_pipeline", "get_readiness", "get_risk_policies", "get_risk_verdicts", "get_strategy",
    "get_symbol", "get_version", "list_bars", "list_halts", "list_opportunities", "list_outcomes", "list_risk_alerts",
    "list_risk_locks", "list_signals", "list_strategies", "list_symbols", "list_ticks", "release_halt",
}  # fmt: skip


def app() -> Any:
    inquiry = Inquiry(connect(f"redis://127.0.0.1:{free_port()}"), Names("test"))
    return create_app(Memory(), inquiry, Health(), "1.2.3")


def operations() -> list[Any]:
    document = app().openapi()
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_operation_ids_are_those_that_clients_were_made_from() -> None:
    assert sorted(operation["operationId"] for operation in operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation["operationId"])
def test_a_route_has_a_summary_an_example_and_its_problems(operation: Any) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    for status, answer in operation["responses"].items():
        ((kind, content),) = answer["content"].items()
        if status.startswith("2"):
            assert content["example"] is not None
        elif kind != "text/plain":
            assert kind == "application/problem+json"
    assert "422" in operation["responses"]


def test_examples_are_of_the_types_that_the_routes_answer() -> None:
    made = app()
    document = made.openapi()
    schemas = document["components"]["schemas"]
    seen = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                content = answer["content"].get(JSON)
                if not status.startswith("2") or content is None:
                    continue
                name = content["schema"]["$ref"].rpartition("/")[2]
                check(content["example"], {"$ref": f"#/components/schemas/{name}"}, schemas)
                seen += 1
    assert seen == 23


def check(value: Any, schema: Any, schemas: dict[str, Any]) -> None:
    """Names and required fields; the kinds of values are the business of schemathesis, on real answers."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if value is None:
            assert {"type": "null"} in schema["anyOf"]
            return
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        if len(options) == 1:
            check(value, options[0], schemas)
        return
    if schema.get("type") == "array":
        for item in value:
            check(item, schema["items"], schemas)
    if schema.get("type") == "object" and "properties" in schema:
        assert set(value) <= set(schema["properties"])
        assert set(schema.get("required", ())) <= set(value)
        for field, inside in value.items():
            check(inside, schema["properties"][field], schemas)


def test_a_reference_leads_to_a_schema_that_is_there() -> None:
    document = app().openapi()
    text = msgspec.json.encode(document).decode()
    names = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(document["components"]["schemas"])
    assert "null" not in [parameter["schema"].get("type") for parameter in parameters(document)]


def parameters(document: Any) -> list[Any]:
    return [
        parameter
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
    ]
