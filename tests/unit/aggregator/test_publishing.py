"""What may go out: halts, silent guards, verdicts and rules between a candidate and its publication."""

import pytest

from dfp.contracts import codec
from dfp.contracts.conditions import PIPELINE, strategy_target
from dfp.contracts.entry import Kind
from dfp.contracts.held import Held
from dfp.contracts.opportunity import CloseReason, State
from dfp.contracts.policy import (
    Action,
    Bundle,
    Concentration,
    Frequency,
    Measure,
    Policy,
    Rule,
    Scope,
    Volatility,
    bundle,
)
from dfp.contracts.risk import Alert, Decision, Halt, RiskStatus, Severity, Verdict, Verdicts
from opinions import MINUTE, NAMES, OPEN, SECOND, SESSION, Aggregator, Down, Flat, Up, clock, sent, signal

SYMBOL = "600000.SH"
VOLATILITY = Volatility(threshold=0.05, window_ns=None, grid_ns=MINUTE)


def policy(check: object, action: Action, scope: Scope = Scope.SYMBOL, *, enforce: bool = True) -> Bundle:
    rule = Rule(name="rule", scope=scope, check=check, action=action)  # type: ignore[arg-type]
    return bundle([Policy(name="house", strategies=None, enforce=enforce, rules=[rule])])


GUARDED = policy(VOLATILITY, Action.BLOCK)
WATCHED = policy(VOLATILITY, Action.ALERT)


def verdicts(of: Bundle, *breached: str) -> Verdicts:
    """The guard's word that everything is Ok but these symbols."""
    rule = of.policies[0].rules[0]
    listed = [
        Verdict(
            policy="house", rule="rule", target=f"symbol/{symbol}", action=rule.action, enforce=True,
            decision=Decision.BREACH, value=0.06, threshold=0.05, until=0,
        )
        for symbol in breached
    ]  # fmt: skip
    return Verdicts(version=of.version, seq=1, time=OPEN, complete=True, verdicts=listed)


@pytest.fixture
def aggregator() -> Aggregator:
    return Aggregator()


def held(aggregator: Aggregator) -> list[str]:
    return [one.reason for one in sent(aggregator.work, Kind.HELD, Held)]


def alerts(aggregator: Aggregator) -> list[tuple[str, Severity]]:
    return [(one.rule, one.severity) for one in sent(aggregator.work, Kind.ALERT, Alert)]


def test_without_policies_an_opportunity_is_published_unchecked(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(signal())
    assert opened.risk is RiskStatus.UNCHECKED


def test_with_fresh_verdicts_it_is_verified_and_cites_them(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    (opened,) = aggregator.take(verdicts(GUARDED), signal())
    assert opened.risk is RiskStatus.VERIFIED
    (written,) = [write for write in aggregator.work.writes if write.kind is Kind.OPPORTUNITY]
    assert written.meta.cursor[NAMES.risk_verdicts] == 1


def test_a_candidate_under_a_block_is_held_with_the_rule_as_its_reason(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    assert aggregator.take(verdicts(GUARDED, SYMBOL), signal()) == []
    (kept,) = sent(aggregator.work, Kind.HELD, Held)
    assert (kept.reason, kept.opportunity.symbol, kept.opportunity.rev) == ("house/rule", SYMBOL, 1)
    assert len(aggregator.take(signal(symbol="600001.SH"))) == 1


def test_a_held_candidate_is_not_published_when_its_reason_is_gone(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED, SYMBOL), signal())
    assert aggregator.take(verdicts(GUARDED), clock(1), clock(30)) == []
    assert len(aggregator.take(signal(at=31))) == 1


def test_a_silent_guard_holds_candidates_and_the_aggregator_says_so_once(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED), clock(0))
    aggregator.assume(fresh=False)
    assert aggregator.take(signal(at=1), signal(symbol="600001.SH", at=2)) == []
    assert held(aggregator) == ["RiskGuardStale"] * 2
    assert alerts(aggregator) == [("RiskGuardStale", Severity.CRITICAL)]
    aggregator.assume(fresh=True)
    assert alerts(aggregator)[1:] == [("RiskGuardStale", Severity.INFO)]


def test_a_guard_that_never_came_is_told_when_the_first_candidate_is_held(aggregator: Aggregator) -> None:
    aggregator.assume(bundle=GUARDED)
    assert alerts(aggregator) == []
    aggregator.take(signal(), signal(symbol="600001.SH"))
    assert alerts(aggregator) == [("RiskGuardStale", Severity.CRITICAL)]


def test_a_guard_that_confirms_older_verdicts_is_not_back_yet(aggregator: Aggregator) -> None:
    aggregator.assume(bundle=GUARDED)
    aggregator.take(signal())
    aggregator.assume(fresh=True)
    assert alerts(aggregator) == [("RiskGuardStale", Severity.CRITICAL)]
    aggregator.take(verdicts(GUARDED))
    assert alerts(aggregator)[1:] == [("RiskGuardStale", Severity.INFO)]


def test_without_policies_that_need_the_guard_its_silence_is_over(aggregator: Aggregator) -> None:
    aggregator.assume(bundle=GUARDED)
    aggregator.take(signal())
    aggregator.assume(bundle=WATCHED)
    assert alerts(aggregator)[1:] == [("RiskGuardStale", Severity.INFO)]
    aggregator.assume(bundle=GUARDED)
    aggregator.take(signal(at=1))
    assert alerts(aggregator)[2:] == [("RiskGuardStale", Severity.CRITICAL)]


def test_new_policies_that_the_guard_has_not_judged_by_yet_are_no_silence(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    assert aggregator.take(signal()) == []
    assert (held(aggregator), alerts(aggregator)) == (["RiskGuardStale"], [])


def test_verdicts_by_other_policies_are_as_good_as_none(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    assert aggregator.take(verdicts(WATCHED), signal()) == []
    assert held(aggregator) == ["RiskGuardStale"]


def test_under_policies_that_only_alert_a_silent_guard_leaves_a_mark(aggregator: Aggregator) -> None:
    aggregator.assume(bundle=WATCHED)
    (opened,) = aggregator.take(signal())
    assert opened.risk is RiskStatus.UNVERIFIED
    assert alerts(aggregator) == []


def test_while_the_guard_is_silent_no_further_revision_goes_out_and_the_close_comes_later(
    aggregator: Aggregator,
) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    (opened,) = aggregator.take(verdicts(GUARDED), clock(0), signal(horizon=60))
    aggregator.assume(fresh=False)
    assert aggregator.take(clock(59), clock(61), clock(62)) == []
    (closed,) = aggregator.assume(fresh=True)
    assert (closed.id, closed.rev, closed.state, closed.closed) == (opened.id, 2, State.CLOSED, CloseReason.EXPIRED)
    assert closed.as_of == OPEN + 62 * SECOND


def test_what_was_kept_back_goes_on_when_the_guard_has_judged_by_the_new_policies(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED), signal(horizon=60))
    stricter = policy(Volatility(threshold=0.04, window_ns=None, grid_ns=MINUTE), Action.BLOCK)
    aggregator.assume(bundle=stricter)
    assert aggregator.take(clock(61)) == []
    (closed,) = aggregator.take(verdicts(stricter))
    assert closed.closed is CloseReason.EXPIRED


def test_a_halted_pipeline_publishes_nothing_and_says_on_release_what_was_halted(aggregator: Aggregator) -> None:
    (opened,) = aggregator.take(clock(0), signal())
    assert aggregator.assume(halts=(PIPELINE,)) == []
    quiet = aggregator.take(signal(symbol="600001.SH", at=1), signal(direction=Flat, at=2), clock(3))
    assert quiet == []
    assert held(aggregator) == ["Halted"]
    (closed,) = aggregator.assume(halts=())
    assert (closed.id, closed.rev, closed.closed) == (opened.id, 2, CloseReason.HALTED)


def test_after_a_release_the_next_signal_opens_again(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal())
    aggregator.assume(halts=(PIPELINE,))
    aggregator.assume(halts=())
    (opened,) = aggregator.take(signal(at=5))
    assert opened.rev == 1


def test_a_halt_over_the_end_of_the_session_still_ends_with_a_close(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal())
    aggregator.assume(halts=(PIPELINE,))
    assert aggregator.take(clock(100, end=True), clock(86_400, session=SESSION + 1)) == []
    (closed,) = aggregator.assume(halts=())
    assert closed.closed is CloseReason.HALTED
    assert SYMBOL not in aggregator.fields


def test_a_session_that_ended_under_a_silent_guard_is_closed_as_ended(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED), clock(0), signal(horizon=14_400))
    aggregator.assume(fresh=False)
    assert aggregator.take(clock(100, end=True)) == []
    (closed,) = aggregator.assume(fresh=True)
    assert closed.closed is CloseReason.SESSION_END


def test_an_opportunity_of_yesterday_that_was_kept_back_does_not_go_on_with_todays_views(
    aggregator: Aggregator,
) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED), clock(0), signal())
    aggregator.assume(fresh=False)
    assert aggregator.take(signal(at=86_400, session=SESSION + 1)) == []
    (closed,) = aggregator.assume(fresh=True)
    assert (closed.closed, closed.members) == (CloseReason.SESSION_END, [])


def test_a_halted_strategy_loses_its_word_and_what_stood_on_it_alone_is_closed(aggregator: Aggregator) -> None:
    aggregator.take(clock(0), signal("a", symbol="600001.SH"), signal("a"), signal("b", confidence=0.9))
    closed = aggregator.assume(halts=(strategy_target("a"),))
    assert [(one.symbol, one.closed) for one in closed] == [("600001.SH", CloseReason.HALTED)]
    assert aggregator.take(signal("a", symbol="600002.SH", at=1)) == []
    assert aggregator.work.counts["halted"] == 1
    assert len(aggregator.take(signal("b", symbol="600002.SH", at=1))) == 1


def test_a_strategy_that_is_halted_while_the_guard_is_silent_is_told_as_halted_later(aggregator: Aggregator) -> None:
    aggregator.assume(fresh=True, bundle=GUARDED)
    aggregator.take(verdicts(GUARDED), clock(0), signal("a"))
    aggregator.assume(fresh=False)
    assert aggregator.assume(halts=(strategy_target("a"),)) == []
    (closed,) = aggregator.assume(fresh=True)
    assert closed.closed is CloseReason.HALTED


def test_the_signal_above_the_limit_is_refused_and_does_not_count(aggregator: Aggregator) -> None:
    often = policy(Frequency(limit=2, window_ns=60 * SECOND), Action.BLOCK, Scope.STRATEGY)
    aggregator.assume(bundle=often)
    opened = aggregator.take(
        *(signal(symbol=f"60000{n}.SH", at=n) for n in range(4)), signal(symbol="600009.SH", at=60.5)
    )
    assert [one.symbol for one in opened] == ["600000.SH", "600001.SH", "600009.SH"]
    assert aggregator.work.counts["refused/house/rule"] == 2
    assert alerts(aggregator) == [("house/rule", Severity.WARNING)]


def test_a_flat_is_never_refused_for_its_number(aggregator: Aggregator) -> None:
    often = policy(Frequency(limit=1, window_ns=60 * SECOND), Action.BLOCK, Scope.STRATEGY)
    aggregator.assume(bundle=often)
    opened, closed = aggregator.take(signal(), signal(direction=Flat, at=1))
    assert (opened.rev, closed.closed) == (1, CloseReason.INVALIDATED)


def test_a_breach_that_halts_sets_the_halt_in_the_same_commit(aggregator: Aggregator) -> None:
    often = policy(Frequency(limit=1, window_ns=60 * SECOND), Action.HALT, Scope.STRATEGY)
    aggregator.assume(bundle=often)
    aggregator.take(signal(), signal(symbol="600001.SH", at=1))
    halt = codec.decode(aggregator.work.halts["strategy/breakout"], Halt)
    assert (halt.cause, halt.since) == ("house/rule", OPEN + SECOND)


def test_a_candidate_that_would_weigh_too_much_is_held(aggregator: Aggregator) -> None:
    check = Concentration(threshold=0.5, measure=Measure.LARGEST_SHARE, min_active=3)
    aggregator.assume(bundle=policy(check, Action.BLOCK, Scope.PIPELINE))
    aggregator.take(signal(symbol="600001.SH", strength=10), signal(symbol="600002.SH", strength=10, at=1))
    assert aggregator.take(signal(symbol="600003.SH", strength=90, at=2)) == []
    assert len(aggregator.take(signal(symbol="600004.SH", strength=10, at=3))) == 1
    assert held(aggregator) == ["house/rule"]


def test_a_restart_keeps_halts_alerts_and_counts(aggregator: Aggregator) -> None:
    often = policy(Frequency(limit=2, window_ns=60 * SECOND), Action.BLOCK, Scope.STRATEGY)
    aggregator.assume(bundle=often)
    aggregator.take(clock(0), signal(symbol="600001.SH"), signal(symbol="600002.SH", at=1))
    aggregator.restart()
    assert aggregator.take(signal(symbol="600003.SH", at=2)) == []
    aggregator.assume(halts=(PIPELINE,))
    aggregator.restart()
    closed = aggregator.assume(halts=())
    assert [one.closed for one in closed] == [CloseReason.HALTED] * 2


def test_policies_that_changed_while_nobody_was_there_start_their_counts_afresh(aggregator: Aggregator) -> None:
    aggregator.assume(bundle=policy(Frequency(limit=1, window_ns=60 * SECOND), Action.BLOCK, Scope.STRATEGY))
    aggregator.take(signal(symbol="600001.SH"))
    aggregator.bundle = policy(Frequency(limit=1, window_ns=90 * SECOND), Action.BLOCK, Scope.STRATEGY)
    aggregator.restart()
    assert len(aggregator.take(signal(symbol="600002.SH", at=1))) == 1
    assert aggregator.take(signal(symbol="600003.SH", at=2)) == []


def test_a_flip_closes_and_opens_in_one_commit_in_this_order(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up))
    before = len(aggregator.work.writes)
    closed, opened = aggregator.take(signal("a", Down, at=1))
    assert (closed.side, closed.state, opened.side, opened.rev) == (Up, State.CLOSED, Down, 1)
    assert len({write.meta.cursor[NAMES.signals] for write in aggregator.work.writes[before:]}) == 1


def test_sides_that_are_too_close_leave_neither(aggregator: Aggregator) -> None:
    aggregator.take(signal("a", Up, 0.7))
    (closed,) = aggregator.take(signal("b", Down, 0.65, at=1))
    assert closed.closed is CloseReason.INVALIDATED
    assert aggregator.take(clock(2), clock(60)) == []


@pytest.mark.parametrize(
    ("payload", "kind"), [(b"{}", Kind.VERDICTS), (codec.encode(clock(0)), Kind.VERDICTS), (b"{}", Kind.ALERT)]
)
def test_an_entry_that_is_no_verdict_is_dead_lettered(aggregator: Aggregator, payload: bytes, kind: Kind) -> None:
    _, entry = aggregator.entry(payload, kind)
    aggregator.feed([(NAMES.risk_verdicts, entry)])
    assert aggregator.work.counts == {f"rejected/bad-{kind}": 1}
