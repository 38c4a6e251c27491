"""RiskPolicy: limits on what strategies may publish. Formulas and their sources stand in the risk library."""

import enum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dfp.contracts.errors import ContractError
from dfp.contracts.policy import Action, Basis, Measure, Scope
from dfp_operator.api.metadata import Metadata, PipelineRef, Selector
from dfp_operator.api.model import Model, refuse_duplicate_names
from dfp_operator.api.values import MAX_SESSIONS, Duration, Name, Percent, nanoseconds

MAX_RULES = 32
"""Four checks on three scopes, twice over and some; every rule is evaluated on every event that it concerns."""

MAX_LIMIT = 1_000_000
"""Signals in a window; the exchanges' ceiling is 300 orders a second."""

MIN_RETURNS = 15
"""Realised volatility of fewer returns is noise; a rolling window must hold that many."""


class Enforcement(enum.StrEnum):
    """Whether a policy acts or only watches."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Window(Model):
    """How far back a rule looks: exactly one of sessions and duration."""

    sessions: Annotated[int, Field(ge=1, le=MAX_SESSIONS)] | None = None
    """Trading days, today included."""

    duration: Duration | None = None
    """Trading time."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        self.exactly_one_of("sessions", "duration")
        return self


class VolatilityCheck(Model):
    """Realised volatility of a symbol."""

    threshold: Percent
    """Breach at or above."""

    window: Window = Window(sessions=1)
    """One session is from its auction to now; a duration rolls."""

    grid: Duration = "1m"
    """Distance of the prices. Not the ticks' own 3 s: that nearly doubles the value by noise alone."""

    @model_validator(mode="after")
    def _window_holds_enough_returns(self) -> Self:
        duration = self.window.duration
        if self.window.sessions not in (None, 1):
            raise ContractError("window.sessions", self.window.sessions, "1, the session to date, or a duration")
        if duration is not None and nanoseconds(duration) < MIN_RETURNS * nanoseconds(self.grid):
            raise ContractError("window.duration", duration, f"at least {MIN_RETURNS} times the grid of {self.grid}")
        return self


class DrawdownCheck(Model):
    """Fall from the highest value in the window."""

    threshold: Percent
    """Breach at or above."""

    window: Window = Window(sessions=20)
    """Where the highest value is looked for."""

    basis: Basis
    """Price needs scope Symbol, Equity needs scope Strategy."""


class ConcentrationCheck(Model):
    """How unevenly the pipeline's active opportunities are spread."""

    threshold: Percent
    """Breach above."""

    measure: Measure = Measure.LARGEST_SHARE
    """What is compared with the threshold."""

    min_active: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 5
    """Judged from so many active opportunities on: one of three always has a share above 30 %."""


class FrequencyCheck(Model):
    """Number of admitted signals in a sliding window."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)]
    """So many are admitted, the next is a breach."""

    window: Window
    """A duration."""

    @model_validator(mode="after")
    def _window_slides(self) -> Self:
        if self.window.duration is None:
            raise ContractError("window", {"sessions": self.window.sessions}, "a duration: the window slides")
        return self


class Rule(Model):
    """One limit: exactly one check, on a scope, with an action."""

    name: Name
    """Unique in the policy; alerts and verdicts carry it."""

    scope: Scope
    """What the value is computed for."""

    volatility: VolatilityCheck | None = None
    """Scope Symbol."""

    drawdown: DrawdownCheck | None = None
    """Scope Symbol (basis Price) or Strategy (basis Equity)."""

    concentration: ConcentrationCheck | None = None
    """Scope Pipeline."""

    frequency: FrequencyCheck | None = None
    """Scope Symbol (each strategy and symbol) or Strategy."""

    action: Action
    """What a breach does."""

    hold: Duration | None = None
    """Block: how long at least, in trading time. Otherwise until the value is back."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        check = self.exactly_one_of("volatility", "drawdown", "concentration", "frequency")
        scopes = self._scopes()
        if self.scope not in scopes:
            raise ContractError("scope", str(self.scope), f"{' or '.join(scopes)} for this {check} check")
        if self.hold is not None and self.action is not Action.BLOCK:
            raise ContractError("hold", self.hold, f"no hold with action {self.action}, only with Block")
        return self

    def _scopes(self) -> tuple[Scope, ...]:
        if self.volatility is not None:
            return (Scope.SYMBOL,)
        if self.drawdown is not None:
            return (Scope.SYMBOL if self.drawdown.basis is Basis.PRICE else Scope.STRATEGY,)
        if self.concentration is not None:
            return (Scope.PIPELINE,)
        return (Scope.SYMBOL, Scope.STRATEGY)


class RiskPolicySpec(Model):
    """Rules, and the strategies that they bind."""

    pipeline_ref: PipelineRef = PipelineRef()
    """The pipeline it belongs to."""

    selector: Selector = Selector()
    """Strategies by label; empty means all of the pipeline."""

    enforcement: Enforcement = Enforcement.ENFORCE
    """Observe raises alerts and acts on nothing."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=MAX_RULES)]
    """All apply; the strictest action wins."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        refuse_duplicate_names("rules", [rule.name for rule in self.rules])
        return self


class RiskPolicy(Model):
    """A risk policy of a pipeline."""

    api_version: Literal["dongfengpo.io/v1alpha1"]
    """Group and version."""

    kind: Literal["RiskPolicy"]
    """Always RiskPolicy."""

    metadata: Metadata
    """Name and namespace."""

    spec: RiskPolicySpec
    """What should be."""
