"""Alerts of the risk rules: the same event of the log gives the same alert, whoever raises it and how often."""

import hashlib

from dfp.contracts.policy import Action, Policy, Rule
from dfp.contracts.risk import Alert, Severity


def alert(
    rule: str,
    severity: Severity,
    target: str,
    time: int,
    message: str,
    *,
    about: str = "",
    value: float | None = None,
    threshold: float | None = None,
) -> Alert:
    """An alert with the id H(rule, target, about, time).

    Args:
        rule: `POLICY/RULE`, or a name of ours.
        time: event time, UTC nanoseconds.
        about: what tells it from another alert of the same rule, target and time.
    """
    text = "\0".join((rule, target, about, str(time)))
    return Alert(
        id=hashlib.sha256(text.encode()).hexdigest()[:24],
        rule=rule,
        severity=severity,
        target=target,
        time=time,
        message=message[:500],
        value=value,
        threshold=threshold,
    )


def severity_of(policy: Policy, rule: Rule) -> Severity:
    """How loud a breach is: Critical when it halts."""
    return Severity.CRITICAL if policy.enforce and rule.action is Action.HALT else Severity.WARNING


def name_of(policy: Policy, rule: Rule) -> str:
    """`POLICY/RULE`."""
    return f"{policy.name}/{rule.name}"


def consequence(policy: Policy, rule: Rule) -> str:
    """What a breach does, as the end of a message."""
    if rule.action is Action.ALERT:
        return ""
    if not policy.enforce:
        return f"; the policy only observes, otherwise: {rule.action}"
    if rule.action is Action.HALT:
        return "; halted until a person releases it"
    return "; blocked"
