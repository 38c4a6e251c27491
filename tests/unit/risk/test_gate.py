"""The gate's table of verdicts, what it does while the guard is silent, and what of it rides in commits."""

import pytest
from msgspec.structs import replace

from dfp.contracts.errors import ContractError
from dfp.contracts.policy import Action, Bundle, Rule, bundle
from dfp.contracts.risk import Decision, RiskStatus
from dfp.risk.gate import STALE, Effects, Gate, Ruling
from feature_log import MAUTAI, PINGAN, moment
from risk_cases import (
    MINUTE,
    bundle_of,
    concentration,
    equity_drawdown,
    frequency,
    opportunity,
    policy,
    price_drawdown,
    say,
    signal,
    verdict,
    volatility,
)

AT = moment("10:00:00")


def gate_of(policies: Bundle) -> Gate:
    return Gate(policies, lambda symbol, session: None)


def informed(policies: Bundle) -> Gate:
    gate = gate_of(policies)
    gate.learn(say(policies, complete=True))
    return gate


def ruling(gate: Gate, symbol: str = MAUTAI, *strategies: str, fresh: bool = True) -> Ruling:
    return gate.judge(opportunity(symbol, *strategies), [], AT, fresh=fresh, effects=Effects())


@pytest.mark.parametrize("decision", [Decision.BREACH, Decision.UNKNOWN])
def test_a_verdict_that_is_not_ok_keeps_back_new_opportunities_on_its_symbol(decision: Decision) -> None:
    policies = bundle_of(volatility())
    gate = informed(policies)
    gate.learn(say(policies, verdict(decision=decision)))
    held = ruling(gate)
    assert (held.publish, held.reason) == (False, "house/volatility")
    assert held.detail.startswith(f"symbol/{MAUTAI} is ")
    assert ruling(gate, PINGAN) == Ruling(publish=True, status=RiskStatus.VERIFIED)


@pytest.mark.parametrize("decision", [Decision.OK, Decision.NOT_YET])
def test_a_verdict_that_is_ok_again_lets_them_through(decision: Decision) -> None:
    policies = bundle_of(volatility())
    gate = informed(policies)
    gate.learn(say(policies, verdict()))
    gate.learn(say(policies, verdict(decision=decision)))
    assert ruling(gate).publish


def test_what_a_complete_entry_does_not_list_is_ok() -> None:
    policies = bundle_of(volatility())
    gate = informed(policies)
    gate.learn(say(policies, verdict(), verdict(target=f"symbol/{PINGAN}")))
    gate.learn(say(policies, verdict(), complete=True))
    assert [ruling(gate, symbol).publish for symbol in (MAUTAI, PINGAN)] == [False, True]


def test_a_complete_entry_is_about_symbols_only() -> None:
    policies = bundle_of(volatility(), equity_drawdown(action=Action.BLOCK))
    gate = informed(policies)
    gate.learn(say(policies, verdict("equity", "strategy/breakout")))
    gate.learn(say(policies, complete=True))
    assert ruling(gate).reason == "house/equity"
    assert ruling(gate, MAUTAI, "other").publish


@pytest.mark.parametrize("rule", [volatility(action=Action.ALERT), volatility(action=Action.BLOCK)])
def test_what_alerts_or_observes_keeps_nothing_back(rule: Rule) -> None:
    policies = bundle_of(rule, enforce=rule.action is Action.ALERT)
    gate = informed(policies)
    gate.learn(say(policies, verdict(action=rule.action)))
    assert ruling(gate) == Ruling(publish=True, status=RiskStatus.VERIFIED)


@pytest.mark.parametrize("rule", [volatility(), price_drawdown(), equity_drawdown(), volatility(action=Action.HALT)])
def test_while_the_guard_is_silent_nothing_passes_that_depends_on_it(rule: Rule) -> None:
    gate = informed(bundle_of(rule))
    assert gate.guarded
    held = ruling(gate, fresh=False)
    assert (held.publish, held.reason, held.detail) == (False, STALE, "the risk guard is silent")
    assert gate.standing(opportunity(), fresh=False) is None


def test_a_guard_that_has_not_judged_by_these_policies_is_as_good_as_silent() -> None:
    old, new = bundle_of(volatility()), bundle_of(volatility(0.06))
    gate = gate_of(new)
    assert not gate.informed
    assert ruling(gate).reason == STALE
    gate.learn(say(old, complete=True))
    assert ruling(gate).detail == "the risk guard has not judged by the new policies yet"
    gate.learn(say(new, complete=True))
    assert gate.informed
    assert ruling(gate).publish


def test_a_verdict_by_other_policies_is_none() -> None:
    old, new = bundle_of(volatility()), bundle_of(volatility(0.06))
    gate = gate_of(new)
    gate.learn(say(old, verdict(), complete=True))
    gate.learn(say(new, complete=True))
    gate.learn(say(old, verdict()))
    assert ruling(gate).publish


@pytest.mark.parametrize(
    ("policies", "status"),
    [
        (bundle([]), RiskStatus.UNCHECKED),
        (bundle_of(), RiskStatus.UNCHECKED),
        (bundle_of(volatility(), strategies=["other"]), RiskStatus.UNCHECKED),
        (bundle_of(frequency()), RiskStatus.VERIFIED),
        (bundle_of(concentration()), RiskStatus.VERIFIED),
        (bundle_of(volatility(action=Action.ALERT)), RiskStatus.UNVERIFIED),
        (bundle_of(volatility(), enforce=False), RiskStatus.UNVERIFIED),
    ],
)
def test_what_does_not_depend_on_the_guard_is_published_with_what_is_known(
    policies: Bundle, status: RiskStatus
) -> None:
    gate = gate_of(policies)
    assert not gate.guarded or policies.policies[0].strategies == ["other"]
    assert ruling(gate, fresh=False) == Ruling(publish=True, status=status)
    assert gate.standing(opportunity(), fresh=False) is status


def test_the_strictest_of_several_policies_decides() -> None:
    policies = bundle([policy(volatility(action=Action.ALERT), name="a"), policy(volatility(), name="house")])
    gate = informed(policies)
    gate.learn(say(policies, verdict()))
    assert ruling(gate).reason == "house/volatility"
    assert gate.standing(opportunity(), fresh=False) is None


def full_gate(policies: Bundle) -> Gate:
    gate = informed(policies)
    gate.learn(say(policies, verdict(), verdict("equity", "strategy/breakout")))
    for n in range(5):
        gate.admit(signal(n=n), Effects())
    return gate


POLICIES = bundle_of(volatility(), equity_drawdown(action=Action.BLOCK), frequency(3))


def test_a_restored_gate_goes_on_as_the_one_of_before() -> None:
    gate = full_gate(POLICIES)
    fields = {name: value for name, value in gate.changed().items() if value is not None}
    assert all(name.startswith("@gate/") for name in fields)
    assert gate.changed() == {}
    again = gate_of(POLICIES)
    again.restore(fields | {"600519.SH": b"a book of the aggregator's"})
    assert again.changed() == {}
    assert ruling(again).reason == "house/volatility"
    assert ruling(again, PINGAN).reason == "house/equity"
    assert again.admit(signal(n=9), Effects()) == "house/frequency"
    assert again.informed


def test_what_is_ok_again_is_deleted_from_the_state() -> None:
    gate = full_gate(POLICIES)
    before = gate.changed()
    gate.learn(say(POLICIES, verdict(decision=Decision.OK)))
    assert gate.changed() == {"@gate/verdict/house/volatility/symbol/600519.SH": None}
    assert "@gate/verdict/house/volatility/symbol/600519.SH" in before


def test_a_new_session_forgets_what_can_no_longer_matter() -> None:
    gate = full_gate(POLICIES)
    (key,) = [name for name in gate.changed() if name.startswith("@gate/rule/")]
    tomorrow = signal(at=moment("09:31:00", 20220602), symbol=PINGAN)
    gate.admit(replace(tomorrow, session=20220602), Effects())
    assert gate.changed()[key] is None


def test_a_lock_outlasts_the_night() -> None:
    gate = gate_of(bundle_of(frequency(1, hold=15 * MINUTE)))
    for n in range(2):
        gate.admit(signal(at=moment("14:55:00"), n=n), Effects())

    def next_day(text: str) -> str | None:
        return gate.admit(replace(signal(at=moment(text, 20220602)), session=20220602), Effects())

    assert next_day("09:39:59") == "house/frequency"
    assert next_day("09:40:00") is None


def test_under_new_policies_unchanged_rules_remember() -> None:
    old = full_gate(POLICIES)
    old.changed()
    new = gate_of(bundle_of(volatility(), frequency(3), concentration()))
    new.inherit(old)
    assert new.admit(signal(n=9), Effects()) == "house/frequency"
    assert not new.informed


def test_under_new_policies_changed_rules_begin_anew() -> None:
    old = full_gate(POLICIES)
    old.changed()
    new = gate_of(bundle_of(frequency(4)))
    new.inherit(old)
    assert new.admit(signal(n=9), Effects()) is None
    assert new.changed() != {}
    other = gate_of(bundle_of(frequency(3, name="other")))
    other.inherit(full_gate(POLICIES))
    assert [name for name, value in other.changed().items() if value is None] == [
        "@gate/rule/house/frequency/breakout/600519.SH"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("@gate/session", b"today"),
        ("@gate/rule/house", b"\xc0"),
        ("@gate/rule/house/frequency/breakout", b"\xc1"),
        ("@gate/verdict/house/volatility/symbol/600519.SH", b"[]"),
        ("@gate/verdict/house", b"\xc0"),
    ],
)
def test_state_of_another_version_is_refused(name: str, value: bytes) -> None:
    with pytest.raises(ContractError, match=name.split("/")[1]):
        gate_of(POLICIES).restore({name: value})


def test_a_verdict_that_no_state_can_hold_is_refused() -> None:
    with pytest.raises(ContractError, match=r"Verdict\.until"):
        gate_of(POLICIES).learn(say(POLICIES, replace(verdict(), until=2**64)))
