"""Turns a validation error into sentences for people, out of the same JSON schema that the API server would get."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dfp.contracts.errors import ContractError
from dfp_operator.api.problems import Path, did_you_mean, one_of, path_text, shown

Schema: TypeAlias = Mapping[str, Any]


def explain(model: type[BaseModel], error: ValidationError) -> Iterator[tuple[str, str]]:
    """Field path and text of each problem: the value found, what is allowed, what was probably meant."""
    tree = _Tree(_json_schema(model))
    for details in error.errors(include_url=False):
        if not _is_echo(details):
            yield _explain(tree, details)


@functools.cache
def _json_schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


class _Tree:
    """A JSON schema that can be asked about field paths."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def at(self, path: Path) -> Schema:
        """The schema of the value at `path`; empty where anything is allowed."""
        node = self._resolve(self._root)
        for part in path:
            if isinstance(part, int):
                child = node.get("items", {})
            elif "patternProperties" in node:  # a mapping with free keys: its values are all of one type
                child = next(iter(node["patternProperties"].values()))
            else:
                child = node.get("properties", {}).get(part, {})
            node = self._resolve(child)
        return node

    def places(self, field: str) -> list[str]:
        """Paths of all fields of this name."""
        return list(self._places(field, self._root, ""))

    def _places(self, field: str, schema: Schema, prefix: str) -> Iterator[str]:
        node = self._resolve(schema)
        if "items" in node:
            yield from self._places(field, node["items"], f"{prefix}[]")
        for name, child in node.get("properties", {}).items():
            path = f"{prefix}.{name}" if prefix else name
            if name == field:
                yield path
            yield from self._places(field, child, path)

    def _resolve(self, node: Schema) -> Schema:
        if "anyOf" in node:  # the only union is "or absent"
            return self._resolve(node["anyOf"][0])
        if "$ref" in node:
            definition: Schema = self._root["$defs"][node["$ref"].rpartition("/")[2]]
            return definition
        return node


def _is_echo(details: ErrorDetails) -> bool:
    """Whether a list is only called too short because some of its items are wrong, which is said of each of them."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _explain(tree: _Tree, details: ErrorDetails) -> tuple[str, str]:
    path: Path = details["loc"]
    found = shown(details["input"])
    if details["type"] == "missing":
        return path_text(path), f"missing; expected {_allowed(tree.at(path))}"
    if details["type"] == "extra_forbidden":
        field, fields = str(path[-1]), list(tree.at(path[:-1])["properties"])
        places = tree.places(field)
        meant = f"; did you mean {places[0]}?" if len(places) == 1 else did_you_mean(field, fields)
        return path_text(path), f"unknown field (value {found}); expected {one_of(fields)}{meant}"
    if details["type"] == "value_error":
        refused = details["ctx"]["error"]
        assert isinstance(refused, ContractError)
        place = ".".join(part for part in (path_text(path), refused.field) if part)
        return place, f"{shown(refused.value)} is not allowed; expected {refused.allowed}"
    names = tree.at(path[:-2]).get("propertyNames")
    if path[-1] == "[key]" and names is not None:
        return path_text(path[:-2]), f"key {found} is not allowed; expected {_allowed(names)}"
    schema = tree.at(path)
    meant = did_you_mean(details["input"], schema.get("enum", ()))
    return path_text(path), f"{found} is not allowed; expected {_allowed(schema)}{meant}"


def _allowed(schema: Schema) -> str:
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return one_of(schema["enum"])
    if "allowed" in schema:
        return str(schema["allowed"])
    kind = schema.get("type")
    if kind == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        least = f"{schema['minItems']} to " if "minItems" in schema else "at most "
        return f"a list of {least}{schema['maxItems']} items"
    if "properties" in schema:
        return f"a mapping with {', '.join(schema['properties'])}"
    if kind == "object":
        return f"a mapping of at most {schema['maxProperties']} entries"
    return f"text of at most {schema['maxLength']} characters"
