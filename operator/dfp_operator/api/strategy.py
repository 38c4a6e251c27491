"""Strategy: what a quant applies."""

import enum
import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.code import Code
from dfp_operator.api.metadata import Metadata, PipelineRef
from dfp_operator.api.model import Model, refuse_duplicate_names
from dfp_operator.api.pod import Pod
from dfp_operator.api.universe import Universe
from dfp_operator.api.values import MAX_SESSIONS, Duration, Name, Percent, text

MAX_PARAMETERS = 64
"""People set them by hand."""

MAX_PARAMETERS_BYTES = 65_536
"""Parameters travel as one environment variable, for which Linux allows 128 KiB."""

MAX_REPLICAS = 64
"""More than the partitions of any sensible pipeline (8 by default), and replicas beyond partitions idle."""

MAX_GATES = 8
"""Two kinds of gate, each on a few data sets or lengths of time."""

MAX_COUNT = 1_000_000_000
"""Signals or backlog: more than a month of the whole market's ticks, and far inside 64 bits."""


class Mode(enum.StrEnum):
    """What becomes of a strategy's signals."""

    LIVE = "Live"
    SHADOW = "Shadow"
    PAUSED = "Paused"


class ScalingType(enum.StrEnum):
    """Who decides on the number of replicas."""

    AUTO = "Auto"
    MANUAL = "Manual"


class Scaling(Model):
    """Number of engines. No field has a default in the schema: one would stand against the scale subresource."""

    type: ScalingType = ScalingType.AUTO
    """Auto: the operator, by freshness and backlog. Manual: people, an HPA, KEDA."""

    min: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] | None = None
    """Auto: never fewer."""

    max: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] | None = None
    """Auto: never more; never more than the pipeline has partitions in any case."""

    target_freshness: Duration | None = None
    """Auto: 99 of 100 signals leave within this time after their tick."""

    target_backlog: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Auto: entries that may wait, per replica."""

    replicas: Annotated[int, Field(ge=0, le=MAX_REPLICAS)] | None = None
    """Manual: this many."""

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> Self:
        if self.type is ScalingType.AUTO:
            foreign: dict[str, object] = {"replicas": self.replicas}
        else:
            foreign = {
                "min": self.min,
                "max": self.max,
                "targetFreshness": self.target_freshness,
                "targetBacklog": self.target_backlog,
            }
        for field, value in foreign.items():
            if value is not None:
                raise ContractError(field, value, f"no {field} with type {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ContractError("min", self.min, f"at most max, which is {self.max}")
        return self


class BacktestGate(Model):
    """A backtest that must end within limits."""

    dataset: Name
    """The data set's name."""

    max_drawdown: Percent | None = None
    """Largest fall of equity from its peak."""


class ShadowGate(Model):
    """A time in shadow that must be long enough to judge."""

    sessions: Annotated[int, Field(ge=1, le=MAX_SESSIONS)]
    """Trading days."""

    min_signals: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0
    """Signals within them."""


class Gate(Model):
    """What a new revision must pass before it goes live: exactly one of backtest and shadow."""

    name: Name
    """Unique in the list."""

    backtest: BacktestGate | None = None
    """Proof on history."""

    shadow: ShadowGate | None = None
    """Proof on live data."""

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        self.exactly_one_of("backtest", "shadow")
        return self


class Promotion(Model):
    """How a new revision becomes live."""

    gates: Annotated[tuple[Gate, ...], Field(max_length=MAX_GATES)] = ()
    """Passed in this order; none means at once."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        refuse_duplicate_names("gates", [gate.name for gate in self.gates])
        return self


class Alerts(Model):
    """Thresholds at which people are told. What is not given raises no alert."""

    stale_after: Duration | None = None
    """Signals leave later than this after their tick."""

    backlog_above: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    """Entries waiting."""

    no_signal_for: Duration | None = None
    """Trading time without a signal."""


ParameterName: TypeAlias = Annotated[str, text(r"^[A-Za-z_][A-Za-z0-9_]*$", "a Python name, such as min_ratio")]


class StrategySpec(Model):
    """What a strategy runs, on which symbols, and how."""

    pipeline_ref: PipelineRef = PipelineRef()
    """The pipeline it belongs to; cannot change."""

    mode: Mode = Mode.SHADOW
    """Live signals count, Shadow ones are only recorded, Paused runs nothing."""

    code: Code
    """Where the code comes from."""

    parameters: Annotated[Mapping[ParameterName, JsonValue], Field(max_length=MAX_PARAMETERS)] = {}
    """Values for the parameters that the code declares, under their Python names."""

    universe: Universe = Universe()
    """Symbols it sees; every symbol unless said."""

    scaling: Scaling = Scaling()
    """Number of engines."""

    promotion: Promotion = Promotion()
    """How a new revision becomes live."""

    alerts: Alerts = Alerts()
    """When people are told."""

    pod: Pod = Pod()
    """How and where it runs."""

    @model_validator(mode="after")
    def _live_code_cannot_change_under_it(self) -> Self:
        artifact = self.code.artifact
        if self.mode is Mode.LIVE and artifact is not None and not artifact.pinned:
            raise ContractError("code.artifact.reference", artifact.reference, "a digest (@sha256:…) with mode Live")
        return self

    @model_validator(mode="after")
    def _parameters_fit_into_the_environment(self) -> Self:
        size = len(json.dumps(dict(self.parameters)))
        if size > MAX_PARAMETERS_BYTES:
            raise ContractError("parameters", f"{size} bytes of JSON", f"at most {MAX_PARAMETERS_BYTES} bytes")
        return self


class Strategy(Model):
    """A strategy of a pipeline."""

    api_version: Literal["dongfengpo.io/v1alpha1"]
    """Group and version."""

    kind: Literal["Strategy"]
    """Always Strategy."""

    metadata: Metadata
    """Name, namespace, labels; RiskPolicies select by labels."""

    spec: StrategySpec
    """What should be."""
