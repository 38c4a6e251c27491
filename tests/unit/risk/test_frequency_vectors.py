"""Hand-computed vectors of frequency. At most 3 signals in 60 s for each (strategy, symbol), unless said otherwise."""

import pytest

from dfp.contracts.policy import Action, Bundle, Scope
from dfp.contracts.signal import Signal
from dfp.risk.gate import Effects, Gate
from feature_log import MAUTAI, PINGAN, moment
from risk_cases import MINUTE, SECOND, bundle_of, frequency, signal

YES, NO = True, False

Steps = list[tuple[str, bool]]

VECTORS: dict[str, tuple[Bundle, Steps]] = {
    # The fourth within a minute is one too many.
    "the next after the limit is refused": (
        bundle_of(frequency()), [("10:00:00", YES), ("10:00:10", YES), ("10:00:20", YES), ("10:00:30", NO)],
    ),
    # Three at the same instant are three; the fourth at it is refused.
    "one instant counts them all": (
        bundle_of(frequency()), [("10:00:00", YES), ("10:00:00", YES), ("10:00:00", YES), ("10:00:00", NO)],
    ),
    # At 10:01:00 the first, exactly 60 s old, is out of (10:00:00, 10:01:00]; at 10:00:59 it is in.
    "the edge slides": (
        bundle_of(frequency()),
        [
            ("10:00:00", YES), ("10:00:10", YES), ("10:00:20", YES),
            ("10:00:59", NO), ("10:01:00", YES), ("10:01:09", NO),
        ],
    ),
    # Refused ones leave no trace: at 10:01:00 again only two of three count, however many were refused.
    "refused ones do not count": (
        bundle_of(frequency()),
        [("10:00:00", YES), ("10:00:10", YES), ("10:00:20", YES), *[("10:00:50", NO)] * 9, ("10:01:00", YES)],
    ),
    # The window is event time: over lunch it slides on.
    "lunch passes": (
        bundle_of(frequency()), [("11:29:50", YES), ("11:29:55", YES), ("11:29:59", YES), ("13:00:00", YES)],
    ),
    # A limit of one in 10 s.
    "a limit of one": (
        bundle_of(frequency(1, 10 * SECOND)),
        [("10:00:00", YES), ("10:00:09", NO), ("10:00:10", YES), ("10:00:19", NO)],
    ),
    # Held for 15 min from 11:20:30: 9.5 min until lunch, the rest until 13:05:30.
    "a hold stands still over lunch": (
        bundle_of(frequency(hold=15 * MINUTE)),
        [*[("11:20:00", YES)] * 3, ("11:20:30", NO), ("11:25:00", NO), ("13:05:29", NO), ("13:05:30", YES)],
    ),
    # Signals that are refused under a lock do not extend it: locked 10:00:00 to 10:15:00.
    "a lock is not extended by what it refuses": (
        bundle_of(frequency(hold=15 * MINUTE)),
        [*[("10:00:00", YES)] * 3, ("10:00:00", NO), ("10:00:30", NO), ("10:14:59", NO), ("10:15:00", YES)],
    ),
    # A signal that is read late counts at 10:00:30, behind what was admitted before it.
    "a late signal counts at the time of those before it": (
        bundle_of(frequency()), [("10:00:30", YES), ("10:00:30", YES), ("10:00:00", YES), ("10:00:40", NO)],
    ),
    # Alert and Observe refuse nothing.
    "an alert refuses nothing": (bundle_of(frequency(action=Action.ALERT)), [("10:00:00", YES)] * 5),
    "to observe refuses nothing": (bundle_of(frequency(), enforce=False), [("10:00:00", YES)] * 5),
    # Halt refuses like Block.
    "a halt refuses too": (bundle_of(frequency(action=Action.HALT)), [*[("10:00:00", YES)] * 3, ("10:00:00", NO)]),
}  # fmt: skip


def gate_of(policies: Bundle) -> Gate:
    return Gate(policies, lambda symbol, session: None)


def admitted(gate: Gate, *signals: Signal) -> list[bool]:
    return [gate.admit(one, Effects()) is None for one in signals]


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    policies, steps = VECTORS[name]
    gate = gate_of(policies)
    signals = [signal(at=moment(text), n=n) for n, (text, _) in enumerate(steps)]
    assert admitted(gate, *signals) == [expected for _, expected in steps]


def test_a_symbol_rule_counts_each_strategy_and_symbol_for_itself() -> None:
    gate = gate_of(bundle_of(frequency(1)))
    ours = [signal("a", MAUTAI), signal("a", PINGAN), signal("b", MAUTAI), signal("a", MAUTAI)]
    assert admitted(gate, *ours) == [YES, YES, YES, NO]


def test_a_strategy_rule_counts_all_symbols_of_a_strategy() -> None:
    gate = gate_of(bundle_of(frequency(2, scope=Scope.STRATEGY)))
    ours = [signal("a", MAUTAI), signal("a", PINGAN), signal("b", MAUTAI), signal("a", MAUTAI)]
    assert admitted(gate, *ours) == [YES, YES, YES, NO]


def test_a_pipeline_rule_counts_all() -> None:
    gate = gate_of(bundle_of(frequency(2, scope=Scope.PIPELINE)))
    assert admitted(gate, signal("a"), signal("b"), signal("c")) == [YES, YES, NO]


def test_a_signal_that_one_rule_refuses_counts_for_none() -> None:
    # One a symbol, two a strategy: the second on MAUTAI is refused, so PINGAN's is the strategy's second.
    gate = gate_of(bundle_of(frequency(1), frequency(2, scope=Scope.STRATEGY, name="strategy")))
    ours = [signal("a", MAUTAI), signal("a", MAUTAI), signal("a", PINGAN), signal("a", "600000.SH")]
    assert admitted(gate, *ours) == [YES, NO, YES, NO]
    assert gate.admit(signal("a", "600000.SH"), Effects()) == "house/strategy"


def test_a_halt_is_of_the_strategy() -> None:
    gate, effects = gate_of(bundle_of(frequency(1, action=Action.HALT))), Effects()
    for n in range(3):
        gate.admit(signal("a", n=n), effects)
    assert list(effects.halts) == ["strategy/a"]
    halt = effects.halts["strategy/a"]
    assert (halt.cause, halt.since) == ("house/frequency", moment("10:00:00"))
    assert "more than 1 signals in 60 s on 600519.SH" in halt.reason
    (told,) = effects.alerts
    assert (told.target, told.severity, told.value, told.threshold) == ("strategy/a", "Critical", 2.0, 1.0)


def test_a_strategy_that_is_not_bound_is_free() -> None:
    gate = gate_of(bundle_of(frequency(1), strategies=["b"]))
    assert admitted(gate, signal("a"), signal("a"), signal("b"), signal("b")) == [YES, YES, YES, NO]
