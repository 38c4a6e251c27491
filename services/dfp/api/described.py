"""How routes are described in /openapi.json: schemas of our own documents, problems, parameters as they are checked."""

from typing import Any, TypeAlias

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from dfp.api.problem import MEDIA_TYPE, Problem

Json: TypeAlias = dict[str, Any]

JSON = "application/json"
REFERENCE = "#/components/schemas/{name}"

PROBLEMS = {
    400: "the body is no text in UTF-8",
    404: "there is no such thing, or no longer",
    413: "the body is too large",
    422: "something of the request is not allowed; `errors` names field, value and what is allowed",
    503: "not now: the log is still being read, or Redis does not answer; see `Retry-After`",
}


class Answers:
    """Collects what the routes answer, so that all schemas are made in one go."""

    def __init__(self) -> None:
        self._types: dict[str, type] = {Problem.__name__: Problem}

    def __call__(self, type_: type, example: Any, *problems: int, status: int = 200) -> dict[int | str, Json]:
        """The `responses` of a route.

        Args:
            example: of the answer; documents and plain values.
            problems: statuses that it answers beside 422.
        """
        return {status: self.one(type_, example), **{code: _problem(code) for code in sorted({*problems, 422})}}

    def one(self, type_: type, example: Any) -> Json:
        """One good answer."""
        self._types[type_.__name__] = type_
        schema = {"$ref": REFERENCE.format(name=type_.__name__)}
        content = {JSON: {"schema": schema, "example": msgspec.to_builtins(example)}}
        return {"description": (type_.__doc__ or type_.__name__).strip().splitlines()[0], "content": content}

    def schemas(self) -> Json:
        """Components of all types."""
        _, components = msgspec.json.schema_components(list(self._types.values()), ref_template=REFERENCE)
        return components


def text(description: str, *, unready: bool = False) -> dict[int | str, Json]:
    """The `responses` of a route that answers in plain text."""
    content = {"text/plain": {"schema": {"type": "string"}, "example": description}}
    found: dict[int | str, Json] = {200: {"description": "as its name says", "content": content}, 422: _problem(422)}
    if unready:
        found[503] = {"description": "no", "content": content}
    return found


def document(app: FastAPI, answers: Answers, description: str) -> Json:
    """The OpenAPI document of the application."""
    made = get_openapi(title=app.title, version=app.version, description=description, routes=app.routes)
    made.setdefault("components", {}).setdefault("schemas", {}).update(answers.schemas())
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _restore_nulls(made["paths"][route.path_format][method.lower()], route)
    for methods in made["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _checked(parameter["schema"])
    return made


def _restore_nulls(operation: Json, route: APIRoute) -> None:
    """FastAPI drops every null, also where an example says that there is none of something."""
    for status, described in route.responses.items():
        if "content" in described:
            operation["responses"][str(status)]["content"] = described["content"]


def _checked(schema: Json) -> Json:
    """A parameter is absent or has a value; in a query there is no null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **options[0]}


def _problem(status: int) -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name=Problem.__name__)}}}
    described: Json = {"description": PROBLEMS[status], "content": content}
    if status == 503:
        described["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "seconds"}}
    return described
