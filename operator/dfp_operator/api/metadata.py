"""What every resource says about itself, and how one resource points at others."""

import enum
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.model import Model
from dfp_operator.api.values import LabelKey, LabelValue, Name

MAX_LABELS = 64
"""Labels of one object, terms of one selector: every one of them is matched on each event."""

MAX_ANNOTATION = 262_144
"""Kubernetes allows 256 KiB for all annotations of an object together."""


class Metadata(Model):
    """Name, namespace, labels and annotations of a resource."""

    name: Name
    """Unique among the resources of its kind in the namespace."""

    namespace: Name = "default"
    """Resources see each other only inside one namespace."""

    labels: Annotated[Mapping[LabelKey, LabelValue], Field(max_length=MAX_LABELS)] = {}
    """What selectors match."""

    annotations: Annotated[
        Mapping[LabelKey, Annotated[str, Field(max_length=MAX_ANNOTATION)]], Field(max_length=MAX_LABELS)
    ] = {}
    """Notes for people and tools."""


class PipelineRef(Model):
    """The pipeline that a resource belongs to."""

    name: Name = "default"
    """A namespace has one pipeline, `default`."""


class SelectorOperator(enum.StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Model):
    """One condition on one label."""

    key: LabelKey
    """The label's key."""

    operator: SelectorOperator
    """How it is compared."""

    values: Annotated[tuple[LabelValue, ...], Field(max_length=MAX_LABELS)] = ()
    """For In and NotIn."""

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> Self:
        compares = self.operator in {SelectorOperator.IN, SelectorOperator.NOT_IN}
        if compares != bool(self.values):
            allowed = "at least one value" if compares else "no values"
            raise ContractError("values", list(self.values), f"{allowed} with operator {self.operator}")
        return self


class Selector(Model):
    """A label selector, as Kubernetes has it; the empty one matches everything."""

    match_labels: Annotated[Mapping[LabelKey, LabelValue], Field(max_length=MAX_LABELS)] = {}
    """Labels that must have exactly these values."""

    match_expressions: Annotated[tuple[Requirement, ...], Field(max_length=MAX_LABELS)] = ()
    """Further conditions; all must hold."""
