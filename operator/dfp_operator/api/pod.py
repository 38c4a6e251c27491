"""The few things of a pod that a strategy's author may set. Not a PodSpec: the rest is the platform's business."""

import enum
from collections.abc import Mapping
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.metadata import MAX_LABELS
from dfp_operator.api.model import Model, refuse_duplicate_names
from dfp_operator.api.values import MAX_TEXT, DataKey, LabelKey, LabelValue, Subdomain, text

MAX_TOLERATIONS = 16
"""Taints of one cluster's node pools; the scheduler compares each with each."""

MAX_ENV = 64
"""Times 4,096 characters each is an eighth of what Linux allows to all arguments and variables (2 MiB)."""

MAX_TOLERATION_SECONDS = 604_800
"""A week."""

RESERVED = ("DFP_", "REDIS_", "PYTHON")
"""Variables with which the platform talks to its services and Python starts: a strategy must not move them."""


def _quantity_text(value: object) -> object:
    return str(value) if type(value) is int else value


Quantity: TypeAlias = Annotated[
    str,
    BeforeValidator(_quantity_text),
    text(
        r"^[0-9]{1,15}(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
        "a whole number with an optional unit (m, k, M, G, T, Ki, Mi, Gi, Ti), such as 250m or 256Mi",
        17,
    ),
]


class ResourceList(Model):
    """Amounts of what a container uses."""

    cpu: Quantity | None = None
    """Cores: 250m is a quarter of one."""

    memory: Quantity | None = None
    """Bytes: 256Mi."""


class Resources(Model):
    """What the engine's container asks for and may use."""

    requests: ResourceList = ResourceList()
    """What the scheduler sets aside."""

    limits: ResourceList = ResourceList()
    """What it may use at most."""


class TolerationOperator(enum.StrEnum):
    """How a taint is compared."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(enum.StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Model):
    """A taint that the engine's pod tolerates, as Kubernetes has it."""

    key: LabelKey | None = None
    """The taint's key; none matches every key."""

    operator: TolerationOperator = TolerationOperator.EQUAL
    """How the taint is compared."""

    value: LabelValue | None = None
    """For Equal."""

    effect: TaintEffect | None = None
    """None matches every effect."""

    toleration_seconds: Annotated[int, Field(ge=0, le=MAX_TOLERATION_SECONDS)] | None = None
    """For NoExecute: how long the pod stays."""

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if self.operator is TolerationOperator.EXISTS and self.value is not None:
            raise ContractError("value", self.value, "no value with operator Exists")
        if self.operator is TolerationOperator.EQUAL and self.key is None:
            raise ContractError("key", None, "a key with operator Equal; operator Exists matches every key")
        if self.toleration_seconds is not None and self.effect is not TaintEffect.NO_EXECUTE:
            raise ContractError("tolerationSeconds", self.toleration_seconds, "none unless effect is NoExecute")
        return self


class SecretKeyRef(Model):
    """One key of a Secret, which the Pipeline must allow."""

    name: Subdomain
    """The Secret's name."""

    key: DataKey
    """The key in it."""


class ValueFrom(Model):
    """Where a variable's value comes from."""

    secret_key_ref: SecretKeyRef
    """A Secret; the value is never in the manifest."""


class EnvironmentVariable(Model):
    """A variable of the engine's environment, with exactly one of value and valueFrom."""

    name: Annotated[str, text(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and '_', not first a digit", 200)]
    """Its name; the platform's own prefixes are reserved."""

    value: Annotated[str, text(r"^[^\x00]*$", "text without NUL characters", MAX_TEXT)] | None = None
    """Its value."""

    value_from: ValueFrom | None = None
    """Its source, for secrets."""

    @model_validator(mode="after")
    def _is_not_reserved(self) -> Self:
        if self.name.startswith(RESERVED):
            raise ContractError("name", self.name, f"a name that does not start with {', '.join(RESERVED)}")
        self.exactly_one_of("value", "value_from")
        return self


class Pod(Model):
    """How and where the engine's pods run. On one machine only `env` has a meaning."""

    resources: Resources = Resources()
    """Requests and limits."""

    node_selector: Annotated[Mapping[LabelKey, LabelValue], Field(max_length=MAX_LABELS)] = {}
    """Labels that a node must have."""

    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=MAX_TOLERATIONS)] = ()
    """Taints that the pods tolerate."""

    priority_class_name: Subdomain | None = None
    """Who goes first when there is too little room."""

    env: Annotated[tuple[EnvironmentVariable, ...], Field(max_length=MAX_ENV)] = ()
    """Variables for the strategy."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        refuse_duplicate_names("env", [variable.name for variable in self.env])
        return self
