"""The auditor as a controller: which publications got past the gate, what it does with bad input, what it keeps."""

import pytest
from msgspec.structs import replace

from dfp.contracts import codec
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import State
from dfp.contracts.policy import NO_POLICIES, Action
from dfp.contracts.risk import Decision, RiskStatus
from dfp.risk.audit import AuditCore
from feature_log import MAUTAI, NAMES, PINGAN, clock, moment
from risk_cases import (
    Audit,
    alerts,
    bundle_of,
    equity_drawdown,
    frequency,
    opportunity,
    price_drawdown,
    say,
    tick,
    verdict,
    verdicts,
    volatility,
)

RULES = bundle_of(volatility(), price_drawdown())


def settled(policies=RULES) -> Audit:  # type: ignore[no-untyped-def]
    """An auditor that has seen the policies in force for a while."""
    audit = Audit(policies)
    audit.learn(say(policies, complete=True))
    audit.take(clock("09:59:00"))
    return audit


def bypasses(audit: Audit, one, cites: int = 1) -> list[str]:  # type: ignore[no-untyped-def]
    return [told.message for told in alerts(audit.publish(one, cites=cites)) if told.rule == "GateBypassed"]


def test_a_publication_that_is_in_order_raises_nothing() -> None:
    assert bypasses(settled(), opportunity()) == []


def test_one_that_cites_no_verdicts_bypassed_the_gate() -> None:
    (told,) = alerts(settled().publish(opportunity()))
    assert (told.rule, told.severity, told.target) == ("GateBypassed", "Critical", f"symbol/{MAUTAI}")
    assert told.message.endswith("it cites no verdicts")
    assert told.time == moment("10:00:00")


@pytest.mark.parametrize("risk", [RiskStatus.UNCHECKED, RiskStatus.UNVERIFIED])
def test_one_that_was_not_verified_bypassed_the_gate(risk: RiskStatus) -> None:
    (message,) = bypasses(settled(), opportunity(risk=risk))
    assert message.endswith(f"it was published as {risk}")


@pytest.mark.parametrize("decision", [Decision.BREACH, Decision.UNKNOWN])
def test_a_new_one_under_a_block_bypassed_the_gate(decision: Decision) -> None:
    audit = settled()
    audit.learn(say(RULES, verdict(decision=decision)))
    (message,) = bypasses(audit, opportunity(), cites=2)
    assert message.endswith(f"house/volatility was in force for symbol/{MAUTAI}")
    assert bypasses(audit, opportunity(PINGAN), cites=2) == []


def test_a_block_does_not_concern_what_is_live() -> None:
    audit = settled()
    audit.learn(say(RULES, verdict()))
    assert bypasses(audit, opportunity(rev=2), cites=2) == []


def test_a_close_is_always_in_order() -> None:
    closed = opportunity(rev=2, state=State.CLOSED, risk=RiskStatus.UNCHECKED)
    assert bypasses(settled(), closed, cites=0) == []


@pytest.mark.parametrize(
    "policies",
    [
        NO_POLICIES,
        bundle_of(volatility(), enforce=False),
        bundle_of(volatility(action=Action.ALERT), frequency()),
        bundle_of(volatility(), strategies=["other"]),
    ],
)
def test_without_a_policy_that_stops_by_verdicts_there_is_nothing_to_bypass(policies) -> None:  # type: ignore[no-untyped-def]
    assert bypasses(settled(policies), opportunity(risk=RiskStatus.UNCHECKED), cites=0) == []


def test_what_was_published_under_the_old_policies_is_in_order_until_all_of_it_was_read() -> None:
    audit = Audit(NO_POLICIES)
    audit.learn(say(NO_POLICIES, complete=True))
    audit.take(clock("09:59:00"))
    audit.assume(RULES)
    before = opportunity(risk=RiskStatus.UNCHECKED)
    assert bypasses(audit, before, cites=1) == []
    audit.take(clock("09:59:01"))
    (message,) = bypasses(audit, replace(before, id="b", risk=RiskStatus.VERIFIED), cites=1)
    assert message.endswith("it cites verdicts by other policies")


def test_a_restart_under_the_same_policies_excuses_nothing() -> None:
    audit = settled()
    again = Audit.__new__(Audit)
    again.__dict__.update(audit.__dict__)
    again.core = AuditCore(NAMES)
    again.core.load_state(audit.fields)
    again.assume(RULES)
    assert again.core.conditions == Conditions(halts=None, risk_fresh=None, policies=RULES.version)
    assert len(bypasses(again, opportunity(), cites=0)) == 1


@pytest.mark.parametrize(
    ("stream", "kind", "payload"),
    [
        (NAMES.opportunities, Kind.OPPORTUNITY, b"{}"),
        (NAMES.opportunities, Kind.SIGNAL, b"{}"),
        (NAMES.opportunities, Kind.OPPORTUNITY, codec.encode(replace(opportunity(), opened=2**70, as_of=2**71))),
        (NAMES.opportunities, Kind.OPPORTUNITY, codec.encode(replace(opportunity(), symbol="not one"))),
        (NAMES.risk_verdicts, Kind.VERDICTS, b"[]"),
        (NAMES.risk_verdicts, Kind.VERDICTS, codec.encode(say(RULES, replace(verdict(), until=-1)))),
        (NAMES.features, Kind.FEATURES, b"garbage"),
        (NAMES.features, Kind.HELD, b"{}"),
        (NAMES.features, Kind.CLOCK, codec.encode(replace(clock("10:00:00"), session=7))),
        (NAMES.features, Kind.CLOCK, codec.encode(replace(clock("10:00:00"), time=2**70))),
        (NAMES.features, Kind.CLOCK, codec.encode(clock("09:00:00"))),
    ],
)
def test_a_bad_entry_is_a_dead_letter(stream: str, kind: Kind, payload: bytes) -> None:
    audit = settled()
    work = audit.feed(stream, kind, payload)
    assert [write.kind for write in work.writes] == [Kind.DEAD_LETTER]
    assert work.counts[f"rejected/bad-{kind}"] == 1


def test_a_gap_leaves_positions_marked_to_what_is_known() -> None:
    audit = settled()
    audit.publish(opportunity(at=moment("10:00:00")), cites=1)
    audit.take(tick("10:00:00", 10.0, ask1=10.0))
    before = audit.fields["account/breakout"]
    assert audit.feed(NAMES.features, Kind.GAP, b"").counts == {"gaps": 1}
    assert audit.fields["account/breakout"] == before


def test_verdicts_on_strategies_are_said_again_under_new_policies() -> None:
    rule = equity_drawdown(0.0004, action=Action.BLOCK)
    audit = Audit(bundle_of(rule))
    audit.publish(opportunity(at=moment("10:00:00")))
    breach = audit.take(tick("10:00:00", 9.9, ask1=10.0), clock("10:01:00"))
    assert [one.decision for one in verdicts(breach)] == [Decision.BREACH]
    assert verdicts(audit.assume(bundle_of(rule, volatility()))) == verdicts(breach)
    assert verdicts(audit.assume(bundle_of(volatility()))) == []


def test_the_state_is_what_the_commits_have_left() -> None:
    audit = settled()
    audit.publish(opportunity(at=moment("10:00:00")), cites=1)
    audit.take(tick("10:00:00", 10.0, ask1=10.0), clock("10:01:00"))
    audit.learn(say(RULES, verdict()))
    other = AuditCore(NAMES)
    other.load_state(audit.fields)
    assert other.save() == audit.core.save()
    other.load(audit.core.save())
    assert other.save() == audit.core.save()
    other.load(b"")
    assert other.save() == AuditCore(NAMES).save()


@pytest.mark.parametrize("name", ["@clock", "position/a", "account/a", "verdict/house/volatility/symbol/600519.SH"])
def test_state_of_another_version_is_refused(name: str) -> None:
    with pytest.raises(ContractError):
        AuditCore(NAMES).load_state({name: b"\xc1"})
    with pytest.raises(ContractError):
        AuditCore(NAMES).load(b"\xc1")
