"""Hand-computed vectors of equity: w = 1 / 20 a slot, cost 0.1 % of the entry price, which is the first ask."""

import pytest

from dfp.contracts.opportunity import CloseReason, Opportunity, State
from dfp.contracts.policy import Action
from dfp.contracts.risk import Decision
from dfp.contracts.signal import Direction
from feature_log import MAUTAI, PINGAN, Item, Row, clock, moment
from risk_cases import MINUTE, Audit, alerts, bundle_of, clock_at, equity_drawdown, opportunity, tick, verdicts

RULES = bundle_of(equity_drawdown(0.9))
"""Never breached; the value is read from the state."""


def opened(text: str, symbol: str = MAUTAI, *strategies: str, side: Direction = Direction.UP) -> Opportunity:
    return opportunity(symbol, *strategies, at=moment(text), side=side)


def closed(text: str, symbol: str = MAUTAI) -> Opportunity:
    one = opportunity(symbol, at=moment(text), rev=2, state=State.CLOSED)
    return Opportunity(
        **{**{name: getattr(one, name) for name in one.__struct_fields__}, "closed": CloseReason.EXPIRED}
    )


def quote(text: str, last: float, ask: float, symbol: str = MAUTAI) -> Row:
    return tick(text, last, symbol, ask1=ask)


def at(text: str) -> Item:
    return clock_at(moment(text))


VECTORS: dict[str, tuple[list[Item | Opportunity], float]] = {
    "without opportunities nothing changes": ([at("10:00:00")], 1.0),
    # Bought at 10.00, marked to 10.00: 1 + (0 − 0.001) / 20.
    "an entry costs": ([opened("10:00:00"), quote("10:00:00", 10.0, 10.0), at("10:01:00")], 0.99995),
    # Bought at the ask 10.10 although the last price is 10.00: 10.00 / 10.10 − 1 − 0.001 = −0.01090099; / 20.
    "the spread costs": ([opened("10:00:00"), quote("10:00:00", 10.0, 10.1), at("10:01:00")], 0.999454950),
    # 11 / 10 − 1 − 0.001 = 0.099; / 20 = 0.00495.
    "an open position is marked to the last price": (
        [opened("10:00:00"), quote("10:00:00", 10.0, 10.0), quote("10:05:00", 11.0, 11.01), at("10:06:00")], 1.00495,
    ),
    # The tick of 09:59:57 is before the opening; the entry is 10.20 of 10:00:03. 10.2 / 10.2 − 1.001; / 20.
    "the first ask at or after the opening": (
        [opened("10:00:00"), quote("09:59:57", 10.0, 10.0), quote("10:00:03", 10.2, 10.2), at("10:01:00")], 0.99995,
    ),
    # Closed at 10:05:00: the last price before is 11, that of 10:05:00 itself is none of it.
    "it ends at the last price before the close": (
        [
            opened("10:00:00"), quote("10:00:00", 10.0, 10.0), quote("10:04:57", 11.0, 11.0), closed("10:05:00"),
            quote("10:05:00", 20.0, 20.0), at("10:06:00"), quote("10:07:00", 5.0, 5.0), at("10:08:00"),
        ], 1.00495,
    ),
    # At its limit with nobody on the other side it cannot be bought, and not later either.
    "a locked limit is not followed": (
        [opened("10:00:00"), quote("10:00:00", 11.0, 0.0), quote("10:01:00", 11.0, 11.0), quote("10:02:00", 22.0, 22.0),
         at("10:03:00")], 1.0,
    ),
    # Most A-shares cannot be sold short.
    "down is not followed": (
        [opened("10:00:00", side=Direction.DOWN), quote("10:00:00", 10.0, 10.0), quote("10:01:00", 5.0, 5.0),
         at("10:02:00")], 1.0,
    ),
    # Two of them: (0.099 + (9 / 10 − 1 − 0.001)) / 20 = (0.099 − 0.101) / 20 = −0.0001.
    "positions add up by their slots": (
        [
            opened("10:00:00"), opened("10:00:00", PINGAN),
            quote("10:00:00", 10.0, 10.0), quote("10:00:00", 10.0, 10.0, PINGAN),
            quote("10:01:00", 11.0, 11.0), quote("10:01:00", 9.0, 9.0, PINGAN), at("10:02:00"),
        ], 0.9999,
    ),
}  # fmt: skip


def fed(audit: Audit, items: list[Item | Opportunity]) -> Audit:
    for item in items:
        if isinstance(item, Opportunity):
            audit.publish(item)
        else:
            audit.take(item)
    return audit


def account(audit: Audit, strategy: str = "breakout"):  # type: ignore[no-untyped-def]
    return audit.core._followers.accounts.get(strategy)


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    items, expected = VECTORS[name]
    found = account(fed(Audit(RULES), items))
    assert (1.0 if found is None else found.value) == pytest.approx(expected, abs=1e-9)


def test_without_a_free_slot_an_opportunity_is_not_followed() -> None:
    audit = Audit(RULES)
    for number in range(21):
        audit.publish(opened("10:00:00", f"6000{number:02}.SH"))
    audit.take(*[quote("10:00:00", 10.0, 10.0, f"6000{number:02}.SH") for number in range(21)])
    audit.take(at("10:01:00"))
    assert account(audit).value == pytest.approx(1 - 0.001, abs=1e-12)  # 20 slots of 20, not 21
    assert sum(work.counts.get("no-slot", 0) for work in audit.works) == 1


def test_each_member_of_the_first_revision_is_followed() -> None:
    audit = fed(Audit(RULES), [opened("10:00:00", MAUTAI, "a", "b"), quote("10:00:00", 10.0, 10.0), at("10:01:00")])
    assert account(audit, "a").value == account(audit, "b").value == pytest.approx(0.99995)


FALLING = [
    *[opened("10:00:00", f"6000{number:02}.SH") for number in range(20)],
    *[quote("10:00:00", 10.0, 10.0, f"6000{number:02}.SH") for number in range(20)],
    at("10:01:00"),
]
"""All slots at 10.00: V = 0.999 and V = last / 10 − 0.001 from here on; the peak is the 1.0 of the start."""


def fall_to(price: float, text: str) -> list[Item]:
    return [quote(text, price, price, f"6000{number:02}.SH") for number in range(20)]


@pytest.mark.parametrize(
    ("price", "decision"),
    [
        (9.22, []),  # V = 0.921: 7.9 %
        (9.20, [Decision.BREACH]),  # V = 0.919: 8.1 %
    ],
)
def test_a_fall_from_the_peak_breaches(price: float, decision: list[Decision]) -> None:
    audit = fed(Audit(bundle_of(equity_drawdown(action=Action.BLOCK))), FALLING)
    audit.take(*fall_to(price, "10:02:00"))
    assert [one.decision for one in verdicts(audit.take(at("10:03:00")))] == decision


def test_equity_that_is_back_is_told() -> None:
    audit = fed(Audit(bundle_of(equity_drawdown(action=Action.BLOCK))), FALLING)
    audit.take(*fall_to(9.0, "10:02:00"), at("10:03:00"))  # V = 0.899
    audit.take(*fall_to(9.5, "10:03:30"), at("10:04:00"))  # V = 0.949, 5.1 % ≤ 6.4 %: calm from 10:04
    work = audit.take(at("10:05:00"))
    assert [one.decision for one in verdicts(work)] == [Decision.OK]
    assert [told.severity for told in alerts(work)] == ["Info"]


def test_a_halt_is_set_once_and_says_no_verdict_that_would_outlive_its_release() -> None:
    audit = fed(Audit(bundle_of(equity_drawdown())), FALLING)
    work = audit.take(*fall_to(9.0, "10:02:00"), at("10:03:00"))
    assert list(work.halts) == ["strategy/breakout"]
    assert verdicts(work) == []
    (told,) = alerts(work)
    assert (told.rule, told.target, told.severity) == ("house/equity", "strategy/breakout", "Critical")
    assert audit.take(*fall_to(8.0, "10:03:30"), at("10:04:00")).halts == {}


@pytest.mark.parametrize(("action", "enforce"), [(Action.HALT, False), (Action.ALERT, True)])
def test_what_observes_or_alerts_halts_nothing(action: Action, enforce: bool) -> None:
    audit = fed(Audit(bundle_of(equity_drawdown(action=action), enforce=enforce)), FALLING)
    work = audit.take(*fall_to(9.0, "10:02:00"), at("10:03:00"))
    assert (work.halts, len(alerts(work)), verdicts(work)) == ({}, 1, [])


def test_a_strategy_that_is_not_bound_is_not_judged() -> None:
    audit = fed(Audit(bundle_of(equity_drawdown(), strategies=["other"])), FALLING)
    assert audit.take(*fall_to(9.0, "10:02:00"), at("10:03:00")).halts == {}


def test_a_rolling_window_forgets_the_peak() -> None:
    policies = bundle_of(equity_drawdown(sessions=None, window=5 * MINUTE, action=Action.BLOCK))
    audit = fed(Audit(policies), FALLING)  # V = 0.999 in the minute of 10:01
    slow = [(9.6, "10:05:00"), (9.1, "10:08:00")]  # 0.959, then 0.909: 5.2 % below 0.959, 9 % below 0.999
    works = [audit.take(*fall_to(price, text), clock_at(moment(text) + 1)) for price, text in slow]
    assert [verdicts(work) for work in works] == [[], []]
    audit = fed(Audit(policies), FALLING)
    assert verdicts(audit.take(*fall_to(9.1, "10:05:00"), at("10:05:30")))  # 9 % within five minutes


def test_a_session_starts_from_one_and_lifts_what_was_blocked() -> None:
    audit = fed(Audit(bundle_of(equity_drawdown(action=Action.BLOCK))), FALLING)
    assert verdicts(audit.take(*fall_to(9.0, "10:02:00"), at("10:03:00")))
    next_day = clock("09:15:00", 20220602)
    assert [one.decision for one in verdicts(audit.take(next_day))] == [Decision.OK]
    assert account(audit) is None


def test_an_opportunity_of_a_session_that_runs_ahead_of_the_clock_is_kept() -> None:
    audit = fed(Audit(RULES), [at("14:59:00")])
    ahead = opportunity(MAUTAI, at=moment("09:31:00", 20220602), session=20220602)
    audit.publish(ahead)
    audit.take(clock("09:30:00", 20220602))
    assert account(audit) is not None
