"""Hand-computed vectors of the guard: what it says of a symbol under a policy. Thresholds 5 % and 8 % as shipped."""

from pathlib import Path

import pytest

from dfp.contracts.clock import Gap
from dfp.contracts.policy import Action, Bundle
from dfp.contracts.risk import Decision, Severity
from dfp.market.reference import ReferenceData
from dfp.risk.drawdown import PriorHigh, prior_high
from feature_log import MAUTAI, PINGAN, SESSION, Item, moment
from risk_cases import (
    MINUTE,
    Guard,
    alerts,
    blocked,
    bundle_of,
    clock_at,
    price_drawdown,
    seesaw,
    session,
    tick,
    verdicts,
    volatility,
)

SYMBOL = f"symbol/{MAUTAI}"
HELD = volatility(window=30 * MINUTE, hold=60 * MINUTE)
OK, BREACH, UNKNOWN = None, Decision.BREACH, Decision.UNKNOWN


def high(yuan: float) -> PriorHigh:
    """The highest price of the 19 sessions before, as reference data would give it."""
    return lambda symbol, session, sessions: round(yuan * 10_000) if sessions == 19 else -1


def said(policies: Bundle, items: list[Item], prior: PriorHigh | None = None) -> Decision | None:
    """What holds of the symbol after these items; None = nothing but Ok or NotYet."""
    guard = Guard(policies, prior or high(100.0))
    return blocked([guard.work, guard.take(*items)]).get(SYMBOL)


def day(price: float, *more: float, until: str = "09:45:00") -> list[Item]:
    """A day on which the auction matched at `price`, then one price a minute."""
    prices = {"09:25:00": price} | {f"09:{30 + minute}:30": each for minute, each in enumerate(more)}
    return session(prices, until)


VOLATILITY: dict[str, tuple[Bundle, list[Item], Decision | None]] = {
    # √25 · ln 1.01 = 4.9752 % < 5 % ≤ √26 · ln 1.01 = 5.0737 %.
    "below the threshold": (bundle_of(volatility()), session(seesaw(25), "10:20:00"), OK),
    "above the threshold": (bundle_of(volatility()), session(seesaw(26), "10:20:00"), BREACH),
    # At 09:55:59 the 26th return, of 09:56, is not on the grid yet.
    "the breach comes with its grid point": (bundle_of(volatility()), session(seesaw(26), "09:55:00"), OK),
    # √14 · ln 1.05 = 18.26 %, but fourteen returns are NotYet, and NotYet counts as Ok.
    "not yet is ok": (bundle_of(volatility()), session(seesaw(14, high=105.0), "09:44:00"), OK),
    "with the fifteenth return it counts": (
        bundle_of(volatility()), session(seesaw(14, high=105.0), "09:45:00"), BREACH
    ),
    # The session to date never falls: hours of calm do not return it.
    "a session to date stays in breach": (bundle_of(volatility()), session(seesaw(26), "14:57:00"), BREACH),
    # Rolling 30 min: at 10:30 the window is empty of the 26 returns up to 09:56, so 0 % ≤ 4 %.
    "a rolling window returns": (bundle_of(volatility(window=30 * MINUTE)), session(seesaw(26), "10:30:00"), OK),
    # Window of 30 min on a grid of 1 min at 10:09: 17 returns of ln 1.01 left, √17 · ln 1.01 = 4.1026 % > 4 %.
    "above eight tenths it stays": (bundle_of(volatility(window=30 * MINUTE)), session(seesaw(26), "10:09:00"), BREACH),
    # At 10:10 16 are left: 3.9801 % ≤ 4 %; calm since 10:10, so it is back at 10:11 and not before.
    "eight tenths begin the calm": (bundle_of(volatility(window=30 * MINUTE)), session(seesaw(26), "10:10:00"), BREACH),
    "a minute of calm returns it": (bundle_of(volatility(window=30 * MINUTE)), session(seesaw(26), "10:11:00"), OK),
    # Breach at 09:56, hold 1 h: locked until 10:56 although calm since 10:10.
    "a hold locks": (bundle_of(HELD), session(seesaw(26), "10:55:00"), BREACH),
    "and is over": (bundle_of(HELD), session(seesaw(26), "10:56:00"), OK),
}  # fmt: skip


@pytest.mark.parametrize("name", VOLATILITY)
def test_volatility_vector(name: str) -> None:
    policies, items, expected = VOLATILITY[name]
    assert said(policies, items) == expected


DRAWDOWN: dict[str, tuple[Bundle, list[Item], float, Decision | None]] = {
    # (100 − 92) / 100 = 8 % ≥ 8 %.
    "equality is a breach": (bundle_of(price_drawdown()), day(92.0), 100.0, BREACH),
    # (100 − 92.01) / 100 = 7.99 %.
    "just before it is none": (bundle_of(price_drawdown()), day(92.01), 100.0, OK),
    # Today's high 110 is above the 19 days': 1 − 101/110 = 8.18 %.
    "today's high counts": (bundle_of(price_drawdown()), day(105.0, 110.0, 101.0), 100.0, BREACH),
    # 1 − 102/110 = 7.27 %.
    "a fall of less": (bundle_of(price_drawdown()), day(105.0, 110.0, 102.0), 100.0, OK),
    # 10 % down, then 7 % = 93: between 6.4 % and 8 %, so it stays a breach.
    "between it stays": (bundle_of(price_drawdown()), day(90.0, 93.0), 100.0, BREACH),
    # 94 is 6 % ≤ 6.4 % from 09:31 on: back at 09:32, within the day.
    "back when calm": (bundle_of(price_drawdown()), day(90.0, 94.0), 100.0, OK),
    # One session: only today's prices matter, 1 − 89/95 = 6.3 %, whatever was before.
    "one session needs no daily bars": (bundle_of(price_drawdown(sessions=1)), day(95.0, 89.0), 100.0, OK),
    # 1 − 87/95 = 8.4 %.
    "one session": (bundle_of(price_drawdown(sessions=1)), day(95.0, 87.0), 100.0, BREACH),
    # Rolling 5 min at 09:38: the 100 of 09:30:30, which stood until 09:31:30, is older; 1 − 91/93 = 2.2 %.
    "a rolling window forgets": (
        bundle_of(price_drawdown(sessions=None, window=5 * MINUTE)),
        day(100.0, 100.0, 93.0, 93.0, 93.0, 93.0, 93.0, 93.0, 91.0, until="09:38:00"), 100.0, OK,
    ),
    # Twice as long a window still holds it: 1 − 91/100 = 9 %.
    "a longer one does not": (
        bundle_of(price_drawdown(sessions=None, window=10 * MINUTE)),
        day(100.0, 100.0, 93.0, 93.0, 93.0, 93.0, 93.0, 93.0, 91.0, until="09:38:00"), 100.0, BREACH,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWDOWN)
def test_drawdown_vector(name: str) -> None:
    policies, items, prior, expected = DRAWDOWN[name]
    assert said(policies, items, high(prior)) == expected


@pytest.mark.parametrize(("action", "expected"), [(Action.BLOCK, UNKNOWN), (Action.HALT, UNKNOWN), (Action.ALERT, OK)])
def test_without_daily_bars_a_drawdown_is_unknown_and_that_stops_what_would_block_or_halt(
    action: Action, expected: Decision | None
) -> None:
    unknown: PriorHigh = lambda symbol, session, sessions: -1  # noqa: E731
    assert said(bundle_of(price_drawdown(action=action)), day(100.0), unknown) == expected


def test_what_cannot_be_judged_is_said_with_the_first_tick_and_to_people_once() -> None:
    guard = Guard(bundle_of(price_drawdown()))
    work = guard.take(tick("09:20:00", 100.0), tick("09:20:00", 10.0, PINGAN))
    assert blocked([work]) == {SYMBOL: UNKNOWN, f"symbol/{PINGAN}": UNKNOWN}
    (told,) = alerts(work)
    assert told.target == "pipeline"
    assert "no daily bars" in told.message
    assert alerts(guard.take(tick("09:20:03", 20.0, "600000.SH"))) == []


def test_an_unknown_value_is_known_again_without_a_lock() -> None:
    guard = Guard(bundle_of(volatility(hold=15 * MINUTE)))
    works = [guard.take(*session(seesaw(20), "09:50:00"))]
    works.append(guard.take(Gap(session=SESSION, time=moment("09:50:10"), reason="lost"), clock_at(moment("09:51:00"))))
    assert blocked(works) == {SYMBOL: UNKNOWN}
    works.append(guard.take(tick("09:51:30", 100.0), clock_at(moment("09:52:00"))))
    assert blocked(works) == {}


def test_the_highest_price_counts_even_within_a_second() -> None:
    # (110 − 101) / 110 = 8.18 %: the 110 was neither the first nor the last price of its second.
    items = [tick("10:00:00", price) for price in (100.0, 110.0, 101.0)]
    assert said(bundle_of(price_drawdown(sessions=1)), [*items, clock_at(moment("10:00:01"))]) == BREACH


def test_a_minute_of_calm_is_broken_by_what_is_not_known() -> None:
    guard = Guard(bundle_of(price_drawdown(sessions=1)))
    works = [guard.take(tick("10:00:00", 100.0), clock_at(moment("10:00:01")), tick("10:00:02", 90.0))]
    works.append(guard.take(clock_at(moment("10:00:03")), tick("10:00:59", 99.0), clock_at(moment("10:01:00"))))
    works.append(guard.take(Gap(session=SESSION, time=moment("10:01:10"), reason="lost"), clock_at(moment("10:01:11"))))
    assert blocked(works) == {SYMBOL: UNKNOWN}
    works.append(guard.take(tick("10:01:12", 99.0), clock_at(moment("10:01:13")), clock_at(moment("10:02:12"))))
    assert blocked(works) == {SYMBOL: BREACH}  # calm from 10:01:13 only
    works.append(guard.take(clock_at(moment("10:02:13"))))
    assert blocked(works) == {}


def test_ticks_that_are_missing_make_unknown_what_has_not_traded_since() -> None:
    guard = Guard(bundle_of(volatility()))
    works = [guard.take(tick("09:30:00", 100.0), tick("09:30:00", 10.0, PINGAN), clock_at(moment("09:31:00")))]
    works.append(
        guard.take(Gap(session=SESSION, time=moment("09:31:10"), reason="lost"), tick("09:31:20", 10.0, PINGAN))
    )
    works.append(guard.take(clock_at(moment("09:32:00"))))
    assert blocked(works) == {SYMBOL: UNKNOWN}


def test_a_policy_that_observes_says_that_it_does_not_act() -> None:
    guard = Guard(bundle_of(volatility(), enforce=False))
    work = guard.take(*session(seesaw(26), "09:56:00"))
    (verdict,) = verdicts(work)
    assert (verdict.decision, verdict.enforce, verdict.action) == (BREACH, False, Action.BLOCK)
    (told,) = alerts(work)
    assert "only observes" in told.message


@pytest.mark.parametrize(
    ("action", "severity", "says"),
    [
        (Action.ALERT, Severity.WARNING, "has reached 5.00%"),
        (Action.BLOCK, Severity.WARNING, "has reached 5.00%; blocked"),
        (Action.HALT, Severity.CRITICAL, "has reached 5.00%; halted until a person releases it"),
    ],
)
def test_a_breach_is_told_to_people_with_what_it_does(action: Action, severity: Severity, says: str) -> None:
    guard = Guard(bundle_of(volatility(action=action)))
    (told,) = alerts(guard.take(*session(seesaw(26), "10:30:00")))
    assert told.severity is severity
    assert told.message == f"{MAUTAI}: volatility {says}"
    assert told.time == moment("09:56:00")
    assert told.value == pytest.approx(0.050736931, abs=1e-8)
    assert told.threshold == 0.05


def test_highs_before_ex_rights_count_on_today_s_price_level(tmp_path: Path) -> None:
    # 19 days with high 200 and factor 1, then shares split two for one: factor 2, so 200 counts as 100 today.
    # 1 − 91/100 = 9 % ≥ 8 %, while 1 − 95/100 = 5 %; against the raw 200 both would be above 50 %.
    file = tmp_path / "reference.csv"
    days = [20220504 + day for day in range(19)]
    rows = [f"{MAUTAI},{day},1,190,200,180,195,1000" for day in days]
    header = "symbol,session,factor,open,high,low,close,volume"
    file.write_text("\n".join([header, *rows, f"{MAUTAI},{SESSION},2,,,,,"]) + "\n")
    prior = prior_high(ReferenceData.load([file]))
    assert prior(MAUTAI, SESSION, 19) == 1_000_000
    assert prior(PINGAN, SESSION, 19) == -1
    assert said(bundle_of(price_drawdown()), day(91.0), prior) == BREACH
    assert said(bundle_of(price_drawdown()), day(95.0), prior) == OK
