"""From RiskPolicy resources to the bundle that the risk guard and the aggregator's gate go by.

Here selectors become names of strategies and texts become numbers, so that neither of the two has to know resources.
"""

from collections.abc import Mapping, Sequence

from dfp.contracts import policy as contract
from dfp.contracts.policy import Bundle, Policy
from dfp_operator.api.metadata import Requirement, Selector, SelectorOperator
from dfp_operator.api.risk_policy import (
    ConcentrationCheck,
    DrawdownCheck,
    Enforcement,
    FrequencyCheck,
    RiskPolicy,
    Rule,
    VolatilityCheck,
    Window,
)
from dfp_operator.api.strategy import Strategy
from dfp_operator.api.values import basis_points, nanoseconds


def policy_bundle(policies: Sequence[RiskPolicy], strategies: Sequence[Strategy]) -> Bundle:
    """The bundle of a pipeline's policies; the same for the same resources in any order."""
    return contract.bundle([_policy(policy, strategies) for policy in policies]) if policies else contract.NO_POLICIES


def _policy(policy: RiskPolicy, strategies: Sequence[Strategy]) -> Policy:
    spec = policy.spec
    bound = sorted(one.metadata.name for one in strategies if selects(spec.selector, one.metadata.labels))
    return Policy(
        name=policy.metadata.name,
        strategies=None if spec.selector == Selector() else bound,
        enforce=spec.enforcement is Enforcement.ENFORCE,
        rules=[_rule(rule) for rule in spec.rules],
    )


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; the empty one matches everything."""
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return equal and all(_meets(requirement, labels) for requirement in selector.match_expressions)


def _meets(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case SelectorOperator.IN:
            return value in requirement.values
        case SelectorOperator.NOT_IN:
            return value not in requirement.values
        case SelectorOperator.EXISTS:
            return value is not None
        case SelectorOperator.DOES_NOT_EXIST:
            return value is None


def _rule(rule: Rule) -> contract.Rule:
    return contract.Rule(
        name=rule.name,
        scope=rule.scope,
        check=_check(rule),
        action=rule.action,
        hold_ns=0 if rule.hold is None else nanoseconds(rule.hold),
    )


def _check(
    rule: Rule,
) -> contract.Volatility | contract.Drawdown | contract.Concentration | contract.Frequency:
    match rule.volatility or rule.drawdown or rule.concentration or rule.frequency:
        case VolatilityCheck(threshold=threshold, window=window, grid=grid):
            return contract.Volatility(
                threshold=_fraction(threshold), window_ns=_length(window), grid_ns=nanoseconds(grid)
            )
        case DrawdownCheck(threshold=threshold, window=window, basis=basis):
            return contract.Drawdown(
                threshold=_fraction(threshold), basis=basis, sessions=window.sessions, window_ns=_length(window)
            )
        case ConcentrationCheck(threshold=threshold, measure=measure, min_active=min_active):
            return contract.Concentration(threshold=_fraction(threshold), measure=measure, min_active=min_active)
        case FrequencyCheck(limit=limit, window=window):
            length = _length(window)
            assert length is not None
            return contract.Frequency(limit=limit, window_ns=length)
        case _:
            raise AssertionError("the model lets no rule through without a check")


def _fraction(percent: str) -> float:
    return basis_points(percent) / 10_000


def _length(window: Window) -> int | None:
    return None if window.duration is None else nanoseconds(window.duration)
