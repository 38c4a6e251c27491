"""Whether a publication got past the gate."""

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import Bundle
from dfp.contracts.risk import RiskStatus
from dfp.risk.verdict_table import VerdictTable, blocking, stops_by_verdict


def is_guarded(opportunity: Opportunity, bundle: Bundle) -> bool:
    """Whether a policy binds it that stops candidates by the guard's verdicts."""
    return any(
        stops_by_verdict(policy, rule)
        for policy in bundle.policies
        if any(policy.binds(member.strategy) for member in opportunity.members)
        for rule in policy.rules
    )


def bypass(opportunity: Opportunity, cited: int, table: VerdictTable, bundle: Bundle) -> str | None:
    """Why a guarded publication should have been kept back, None when it is in order.

    A block keeps back new opportunities, so it is looked at for first revisions only.

    Args:
        cited: sequence number of the last verdicts that it was decided under, 0 = none.
        table: what those and all earlier verdicts say.
    """
    if opportunity.risk is not RiskStatus.VERIFIED:
        return f"it was published as {opportunity.risk}"
    if not cited:
        return "it cites no verdicts"
    if table.version != bundle.version:
        return "it cites verdicts by other policies"
    strategies = [member.strategy for member in opportunity.members]
    for policy in bundle.policies if opportunity.rev == 1 else ():
        if any(map(policy.binds, strategies)):
            blocked = blocking(table, policy, bundle.version, opportunity.symbol, strategies)
            if blocked is not None:
                return f"{policy.name}/{blocked[0].name} was in force for {blocked[1]}"
    return None
