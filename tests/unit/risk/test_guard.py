"""The guard core: what it writes and when, what it does with bad input, and what of it survives."""

import pytest
from msgspec.structs import replace

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.conditions import Conditions
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import encode
from dfp.contracts.policy import NO_POLICIES, Action
from dfp.contracts.risk import Decision
from dfp.log.work import Work
from feature_log import MAUTAI, NAMES, PINGAN, SESSION, Row, clock, frame, moment
from risk_cases import (
    MINUTE,
    Guard,
    alerts,
    blocked,
    bundle_of,
    clock_at,
    concentration,
    equity_drawdown,
    frequency,
    price_drawdown,
    seesaw,
    session,
    tick,
    verdict_entries,
    verdicts,
    volatility,
)

RULES = bundle_of(
    volatility(hold=15 * MINUTE), price_drawdown(sessions=1), equity_drawdown(), frequency(), concentration()
)
NEXT = 20220602


def test_it_tells_everything_when_it_takes_policies_even_if_that_is_nothing() -> None:
    guard = Guard(RULES)
    (told,) = verdict_entries(guard.work)
    assert (told.version, told.seq, told.complete, told.verdicts) == (RULES.version, 0, True, [])
    assert guard.core.conditions == Conditions(halts=None, risk_fresh=None, policies=RULES.version)


def test_it_writes_changes_only_and_on_the_alerts_channel_too() -> None:
    guard = Guard(RULES)
    work = guard.take(*session(seesaw(26), "10:30:00"))
    first, breach = verdict_entries(work)
    assert first.complete  # the session began
    (verdict,) = breach.verdicts
    assert (verdict.target, verdict.decision) == (f"symbol/{MAUTAI}", Decision.BREACH)
    assert (breach.time, verdict.until) == (moment("09:56:00"), moment("10:11:00"))
    written = [write for write in work.writes if write.kind is Kind.VERDICTS][1]
    assert breach.seq == written.meta.cursor[NAMES.features]
    assert [write.channel for write in work.writes if write.kind is Kind.ALERT] == [NAMES.risk_alerts]


def test_without_rules_it_says_nothing_but_that_it_is_there() -> None:
    guard = Guard(NO_POLICIES)
    assert verdicts(guard.take(*session(seesaw(60, high=110.0), "11:00:00"))) == []


def test_a_new_session_forgets_volatility_and_keeps_a_drawdown() -> None:
    guard = Guard(bundle_of(volatility(), price_drawdown(sessions=1, hold=60 * MINUTE)))
    guard.take(*session(seesaw(26) | {"14:50:30": 80.0}, "14:52:00"))
    work = guard.take(clock("09:15:00", NEXT))
    (entry,) = verdict_entries(work)
    assert entry.complete
    assert [(one.rule, one.decision) for one in entry.verdicts] == [("drawdown", Decision.BREACH)]


def test_a_log_that_goes_back_in_time_is_a_session_that_knows_nothing() -> None:
    guard = Guard(bundle_of(price_drawdown(sessions=1)))
    guard.take(*session({"09:31:00": 100.0, "09:32:00": 80.0}, "09:40:00"))
    earlier = clock("09:15:00", 20220531)
    (entry,) = verdict_entries(guard.take(earlier))
    assert (entry.complete, entry.verdicts) == (True, [])


def test_many_breaches_at_once_are_one_alert() -> None:
    guard = Guard(bundle_of(price_drawdown(sessions=1)))
    symbols = [f"6000{number:02}.SH" for number in range(30)]
    guard.take(clock("09:30:00"), *[tick("09:30:01", 100.0, symbol) for symbol in symbols], clock("09:30:02"))
    work = guard.take(*[tick("09:30:03", 90.0, symbol) for symbol in symbols], clock("09:30:04"))
    assert len(verdicts(work)) == 30
    (told,) = alerts(work)
    assert told.target == "pipeline"
    assert "30 symbols, 600000.SH, 600001.SH" in told.message


def test_a_changed_policy_is_judged_at_once_by_what_is_known() -> None:
    guard = Guard(bundle_of(volatility(0.06)))
    guard.take(*session(seesaw(26), "10:00:00"))
    work = Work()
    guard.core.assume(Conditions(), bundle_of(volatility(0.05)), work)
    assert len(alerts(work)) == 1
    assert [entry.complete for entry in verdict_entries(work)] == [False, True]
    assert blocked([work]) == {f"symbol/{MAUTAI}": Decision.BREACH}


def test_an_unchanged_rule_of_a_changed_policy_goes_on() -> None:
    guard = Guard(bundle_of(volatility(hold=15 * MINUTE)))
    guard.take(*session(seesaw(26), "10:00:00"))
    work = Work()
    guard.core.assume(Conditions(), bundle_of(volatility(hold=15 * MINUTE), price_drawdown(sessions=1)), work)
    assert alerts(work) == []
    (entry,) = verdict_entries(work)
    assert [(one.rule, one.until) for one in entry.verdicts] == [("volatility", moment("10:11:00"))]


def test_a_policy_applied_at_noon_knows_the_morning() -> None:
    guard = Guard(NO_POLICIES)
    guard.take(*session(seesaw(26), "12:00:00"))
    work = Work()
    guard.core.assume(Conditions(), RULES, work)
    assert blocked([work]) == {f"symbol/{MAUTAI}": Decision.BREACH}


def test_another_grid_warms_up_from_when_it_is_asked_for() -> None:
    items = session(seesaw(60), "10:30:00")
    guard = Guard(NO_POLICIES)
    guard.take(*[item for item in items if item.time < moment("10:00:00")])
    guard.core.assume(Conditions(), bundle_of(volatility(0.03, window=30 * MINUTE)), Work())
    before = guard.take(*[item for item in items if moment("10:00:00") <= item.time < moment("10:15:00")])
    assert verdicts(before) == []  # fourteen returns since
    assert verdicts(guard.take(clock("10:15:00")))


def test_a_rerun_without_a_snapshot_goes_by_the_policies_that_hold() -> None:
    ran, rerun = Guard(RULES), Guard(NO_POLICIES)
    items = session(seesaw(26), "10:00:00")
    ran.take(*items)
    rerun.core.load(b"")
    rerun.core.start_from(RULES)
    rerun.take(*items)
    rerun.core.start_from(NO_POLICIES)  # only where there is nothing to go on from
    assert rerun.core.save() == ran.core.save()


def test_reference_data_that_came_with_a_restart_counts_at_once() -> None:
    guard = Guard(bundle_of(price_drawdown()))
    assert blocked([guard.take(tick("09:30:00", 100.0), clock("09:30:01"))]) == {f"symbol/{MAUTAI}": Decision.UNKNOWN}
    again = Guard(bundle_of(price_drawdown()), lambda symbol, session, sessions: 1_050_000)
    again.core.load(guard.core.save())
    again.seq = guard.seq
    told = Work()
    again.core.assume(Conditions(), bundle_of(price_drawdown()), told)
    assert blocked([told, again.take(clock("09:30:02"))]) == {}


BAD: list[tuple[Kind, bytes, str]] = [
    (Kind.FEATURES, b"garbage", "frame"),
    (Kind.CLOCK, b"{}", "Clock"),
    (Kind.SIGNAL, b"{}", "features, clock or gap"),
    (Kind.CLOCK, codec.encode(Clock(time=moment("10:00:00"), session=20221399, phase=4)), "session"),
    (Kind.CLOCK, codec.encode(Clock(time=moment("10:00:00", NEXT), session=SESSION, phase=4)), "a time on 20220601"),
    (Kind.CLOCK, codec.encode(Clock(time=2**80, session=SESSION, phase=4)), "a time on 20220601"),
]


@pytest.mark.parametrize(("kind", "payload", "says"), BAD)
def test_a_bad_entry_is_a_dead_letter_and_a_hole(kind: Kind, payload: bytes, says: str) -> None:
    guard = Guard(bundle_of(volatility()))
    guard.take(*session(seesaw(20), "09:50:00"))
    work = Work()
    guard.seq += 1
    guard.core.process(NAMES.features, [Entry(guard.seq, kind, payload)], work)
    (letter,) = [codec.decode(write.payload, DeadLetter) for write in work.writes if write.kind is Kind.DEAD_LETTER]
    assert says in letter.detail
    assert work.counts == {f"rejected/bad-{kind}": 1, "gaps": 1}
    assert blocked([guard.take(clock_at(moment("09:51:00")))]) == {f"symbol/{MAUTAI}": Decision.UNKNOWN}


def test_a_clock_that_goes_back_is_refused() -> None:
    guard = Guard(RULES)
    work = guard.take(clock("10:00:00"), clock("09:59:59"))
    assert work.counts["rejected/bad-clock"] == 1


def test_a_code_that_is_no_symbol_refuses_its_frame() -> None:
    guard = Guard(RULES)
    good = frame([tick("09:30:01", 100.0), tick("09:30:01", 100.0, PINGAN)])
    bad = good.columns["symbol"].copy()
    bad[1] = 2**64 - 1
    guard.seq += 1
    entry = Entry(guard.seq, Kind.FEATURES, encode(type(good)(SESSION, {**good.columns, "symbol": bad})))
    work = Work()
    guard.core.process(NAMES.features, [entry], work)
    assert work.counts["rejected/bad-features"] == 1
    assert len(guard.core._prices) == 0


def test_a_number_that_is_missing_is_a_hole() -> None:
    guard = Guard(bundle_of(volatility()))
    guard.take(*session(seesaw(20), "09:50:00"))
    (entry,) = guard.entries([clock_at(moment("09:51:00"))])
    work = Work()
    guard.core.process(NAMES.features, [replace(entry, seq=entry.seq + 5)], work)
    assert work.counts["gaps"] == 1
    assert blocked([work]) == {f"symbol/{MAUTAI}": Decision.UNKNOWN}


@pytest.mark.parametrize("state", [b"x", b"\x99" + b"\x00" * 9, b"\x90"])
def test_state_of_another_version_is_refused(state: bytes) -> None:
    with pytest.raises(ContractError, match="risk guard state"):
        Guard(RULES).core.load(state)


def test_a_symbol_rule_that_halts_says_so_in_its_verdict_and_blocks() -> None:
    guard = Guard(bundle_of(volatility(action=Action.HALT)))
    (verdict,) = verdicts(guard.take(*session(seesaw(26), "10:00:00")))
    assert verdict.action is Action.HALT


def test_an_auction_only_symbol_is_neither_judged_nor_unknown() -> None:
    guard = Guard(bundle_of(volatility(), price_drawdown(sessions=1)))
    work = guard.take(
        Row(symbol=MAUTAI, time=moment("09:20:00"), last=0.0, phase=2), clock("09:45:00"), clock("09:46:00")
    )
    assert verdicts(work) == []
