"""What a person reads of the policies when a run starts."""

import pytest

from dfp.contracts.policy import (
    Action,
    Basis,
    Concentration,
    Drawdown,
    Frequency,
    Measure,
    Rule,
    Scope,
    Volatility,
)
from dfp.local.rules import in_words

MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (Volatility(threshold=0.05, window_ns=None, grid_ns=MINUTE), "volatility of a symbol from 5% on"),
        (Drawdown(threshold=0.08, basis=Basis.EQUITY, sessions=1, window_ns=None), "equity drawdown from 8% on"),
        (Concentration(threshold=0.3, measure=Measure.LARGEST_SHARE, min_active=5), "LargestShare above 30%"),
        (Frequency(limit=3, window_ns=MINUTE), "more than 3 signals in 60 s"),
    ],
)
def test_a_rule_is_told_with_its_limit_and_what_it_does(check: object, words: str) -> None:
    rule = Rule(name="r", scope=Scope.SYMBOL, check=check, action=Action.BLOCK, hold_ns=15 * MINUTE)  # type: ignore[arg-type]
    assert in_words(rule) == f"{words}: Block for 15 min"
