"""Parameters: class attributes that a manifest may set, checked before the strategy sees its first tick."""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfp.sdk.errors import StrategyError, closest

_KINDS: Mapping[object, type] = {
    kind if as_type else kind.__name__: kind for kind in (bool, int, float, str) for as_type in (True, False)
}
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """What `Param(…)` declared, with the type that the annotation gives it once the class is complete."""

    default: object
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    doc: str
    kind: type = object

    @property
    def allowed(self) -> str:
        """For messages: `a float > 0 and <= 5`."""
        bounds = ((">", self.gt), (">=", self.ge), ("<", self.lt), ("<=", self.le))
        limits = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        article = "an" if self.kind is int else "a"
        return f"{article} {self.kind.__name__} {limits}".rstrip()

    def accepts(self, value: object) -> bool:
        """Whether the type fits (an int is a float too) and all bounds hold; only finite numbers do."""
        if isinstance(value, bool) or self.kind is bool:
            return isinstance(value, bool) and self.kind is bool
        if self.kind is str or isinstance(value, str):
            return isinstance(value, str) and self.kind is str
        if not isinstance(value, (int, float) if self.kind is float else int):
            return False
        return (
            abs(value) <= (_INT64_MAX if self.kind is int else sys.float_info.max)
            and (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
        )


def Param(  # noqa: N802 - reads as the class that it stands for
    default: Any,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    doc: str = "",
) -> Any:
    """Declare a parameter of the annotated type.

    For example `min_ratio: float = Param(2.0, gt=0, doc="…")`.

    Args:
        default: used when the manifest does not set it.
        gt, ge, lt, le: the value must be greater than, at least, less than, at most this; numbers only.
        doc: one line for people.
    """
    return Parameter(default, gt, ge, lt, le, doc)


def declared(owner: type) -> dict[str, Parameter]:
    """Parameters that the body of class `owner` declares.

    Raises:
        StrategyError: no annotation, a type that a manifest cannot hold, or a default that is not allowed itself.
    """
    found: dict[str, Parameter] = {}
    annotations = inspect.get_annotations(owner)
    for name, value in list(owner.__dict__.items()):
        if not isinstance(value, Parameter):
            continue
        where = f"{owner.__name__}.{name}"
        kind = _KINDS.get(annotations.get(name))
        if kind is None:
            raise StrategyError(f"{where} needs one of the types bool, int, float, str: `{name}: float = Param(…)`")
        if kind in (bool, str) and any(bound is not None for bound in (value.gt, value.ge, value.lt, value.le)):
            raise StrategyError(f"{where} has a bound, but only an int or a float can have one")
        parameter = Parameter(value.default, value.gt, value.ge, value.lt, value.le, value.doc, kind)
        if not parameter.accepts(value.default):
            raise StrategyError(f"{where}: the default {value.default!r} is not allowed; expected {parameter.allowed}")
        found[name] = parameter
    return found


def resolve(strategy: str, parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """Every parameter's value: the given one, checked, or its default.

    Raises:
        StrategyError: names the strategy, the parameter, the value and what is allowed.
    """
    for name in given:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise StrategyError(
                f"{strategy} has no parameter {name!r}{closest(name, parameters)} (its parameters: {known})"
            )
    values: dict[str, object] = {}
    for name, parameter in parameters.items():
        value = given.get(name, parameter.default)
        if not parameter.accepts(value):
            raise StrategyError(f"{strategy}.{name} = {value!r:.80} is not allowed; expected {parameter.allowed}")
        values[name] = parameter.kind(value)
    return values


_JSON_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def json_schema(strategy: str, parameters: Mapping[str, Parameter]) -> dict[str, object]:
    """JSON Schema (2020-12) of what a manifest may say under `parameters`."""
    properties: dict[str, object] = {}
    for name, parameter in parameters.items():
        said = {
            "description": parameter.doc or None,
            "exclusiveMinimum": parameter.gt,
            "minimum": parameter.ge,
            "exclusiveMaximum": parameter.lt,
            "maximum": parameter.le,
        }
        properties[name] = {
            "type": _JSON_TYPES[parameter.kind],
            "default": parameter.kind(parameter.default),
            **{keyword: value for keyword, value in said.items() if value is not None},
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": strategy,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
