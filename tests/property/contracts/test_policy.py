"""A bundle's version says what is in it, whatever the order in which its policies came."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.errors import ContractError
from dfp.contracts.policy import Action, Frequency, Policy, Rule, Scope, bundle, decode


def policy(name: str, limit: int = 3) -> Policy:
    check = Frequency(limit=limit, window_ns=60 * 10**9)
    rule = Rule(name="frequency", scope=Scope.STRATEGY, check=check, action=Action.BLOCK)
    return Policy(name=name, strategies=None, enforce=True, rules=[rule])


@given(st.permutations([policy("a"), policy("b", 4), policy("c", 5)]))
def test_equal_policies_in_any_order_are_one_bundle(policies: list[Policy]) -> None:
    assert bundle(policies) == bundle([policy("a"), policy("b", 4), policy("c", 5)])


def test_any_change_is_another_version() -> None:
    versions = {bundle(policies).version for policies in ([], [policy("a")], [policy("a", 4)], [policy("b")])}
    assert len(versions) == 4


def test_a_bundle_survives_its_codec() -> None:
    made = bundle([policy("a"), policy("b")])
    assert decode(codec.encode(made)) == made


@pytest.mark.parametrize("change", [{"version": "0123456789abcdef"}, {"policies": []}])
def test_a_bundle_whose_version_is_not_its_own_is_refused(change: dict[str, Any]) -> None:
    fields = {**msgspec.json.decode(codec.encode(bundle([policy("a")]))), **change}
    with pytest.raises(ContractError, match=r"Bundle\.version"):
        decode(msgspec.json.encode(fields))


@pytest.mark.parametrize(("strategies", "bound"), [(None, True), (["breakout"], True), (["other"], False), ([], False)])
def test_a_policy_binds_all_strategies_or_those_it_names(strategies: list[str] | None, bound: bool) -> None:
    named = msgspec.structs.replace(policy("a"), strategies=strategies)
    assert named.binds("breakout") is bound
