"""Policies, opportunities and sessions for the tests of the risk rules."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dfp.contracts import codec
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import NO_META, Entry, Kind, Meta
from dfp.contracts.opportunity import Member, Opportunity, State
from dfp.contracts.policy import (
    Action,
    Basis,
    Bundle,
    Concentration,
    Drawdown,
    Frequency,
    Measure,
    Policy,
    Rule,
    Scope,
    Volatility,
    bundle,
)
from dfp.contracts.risk import Alert, Decision, RiskStatus, Verdict, Verdicts
from dfp.contracts.signal import Direction, Signal
from dfp.log.work import Work
from dfp.market.phases import phase_at
from dfp.risk.audit import AuditCore
from dfp.risk.drawdown import PriorHigh
from dfp.risk.guard import GuardCore
from feature_log import MAUTAI, NAMES, SESSION, Item, Row, clock, log, moment

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def volatility(
    threshold: float = 0.05,
    *,
    action: Action = Action.BLOCK,
    window: int | None = None,
    grid: int = MINUTE,
    hold: int = 0,
    name: str = "volatility",
) -> Rule:
    check = Volatility(threshold=threshold, window_ns=window, grid_ns=grid)
    return Rule(name=name, scope=Scope.SYMBOL, check=check, action=action, hold_ns=hold)


def price_drawdown(
    threshold: float = 0.08,
    *,
    action: Action = Action.BLOCK,
    sessions: int | None = 20,
    window: int | None = None,
    hold: int = 0,
    name: str = "drawdown",
) -> Rule:
    check = Drawdown(threshold=threshold, basis=Basis.PRICE, sessions=sessions, window_ns=window)
    return Rule(name=name, scope=Scope.SYMBOL, check=check, action=action, hold_ns=hold)


def equity_drawdown(
    threshold: float = 0.08,
    *,
    action: Action = Action.HALT,
    sessions: int | None = 20,
    window: int | None = None,
    hold: int = 0,
    name: str = "equity",
) -> Rule:
    check = Drawdown(threshold=threshold, basis=Basis.EQUITY, sessions=sessions, window_ns=window)
    return Rule(name=name, scope=Scope.STRATEGY, check=check, action=action, hold_ns=hold)


def concentration(
    threshold: float = 0.3,
    measure: Measure = Measure.LARGEST_SHARE,
    *,
    action: Action = Action.BLOCK,
    min_active: int = 5,
    hold: int = 0,
    name: str = "concentration",
) -> Rule:
    check = Concentration(threshold=threshold, measure=measure, min_active=min_active)
    return Rule(name=name, scope=Scope.PIPELINE, check=check, action=action, hold_ns=hold)


def frequency(
    limit: int = 3,
    window: int = MINUTE,
    *,
    scope: Scope = Scope.SYMBOL,
    action: Action = Action.BLOCK,
    hold: int = 0,
    name: str = "frequency",
) -> Rule:
    check = Frequency(limit=limit, window_ns=window)
    return Rule(name=name, scope=scope, check=check, action=action, hold_ns=hold)


def policy(*rules: Rule, strategies: list[str] | None = None, enforce: bool = True, name: str = "house") -> Policy:
    return Policy(name=name, strategies=strategies, enforce=enforce, rules=list(rules))


def bundle_of(*rules: Rule, strategies: list[str] | None = None, enforce: bool = True) -> Bundle:
    return bundle([policy(*rules, strategies=strategies, enforce=enforce)])


def opportunity(
    symbol: str = MAUTAI,
    *strategies: str,
    weight: float = 50.0,
    rev: int = 1,
    at: int = moment("10:00:00"),
    side: Direction = Direction.UP,
    state: State = State.TRACKING,
    risk: RiskStatus = RiskStatus.VERIFIED,
    session: int = SESSION,
    opened: int | None = None,
    identifier: str | None = None,
) -> Opportunity:
    """An opportunity whose confidence times strength is `weight`: the confidence is 1."""
    members = [
        Member(
            strategy=strategy,
            group=strategy,
            signal=f"{strategy} {symbol}",
            confidence=1.0,
            strength=weight,
            as_of=at,
            expires=at + 600 * SECOND,
            half_life_ns=300 * SECOND,
            reason="because",
        )
        for strategy in strategies or ("breakout",)
    ]
    return Opportunity(
        id=identifier or f"{symbol} {side}",
        rev=rev,
        symbol=symbol,
        session=session,
        side=side,
        state=state,
        confidence=1.0,
        strength=weight,
        opened=at if opened is None else opened,
        as_of=at,
        expires=at + 600 * SECOND,
        reference_price=10.0,
        members=members,
        risk=risk,
    )


def signal(strategy: str = "breakout", symbol: str = MAUTAI, at: int = moment("10:00:00"), n: int = 1) -> Signal:
    return Signal(
        id=f"{strategy} {symbol} {at} {n}",
        strategy=strategy,
        revision="r1",
        group=strategy,
        symbol=symbol,
        session=SESSION,
        n=n,
        direction=Direction.UP,
        confidence=0.6,
        strength=50.0,
        as_of=at,
        expires=at + 600 * SECOND,
        horizon_ns=600 * SECOND,
        reference_price=10.0,
        reason="because",
    )


def tick(text: str, price: float, symbol: str = MAUTAI, **fields: object) -> Row:
    """A fit tick; its phase is that of its time."""
    at = moment(text)
    return Row(symbol=symbol, time=at, last=price, phase=phase_at(at), **fields)  # type: ignore[arg-type]


def session(prices: Mapping[str, float], until: str, symbol: str = MAUTAI) -> list[Item]:
    """Ticks at these times, and a clock entry every minute from 09:15 on up to `until`."""
    last = moment(until)
    items: list[Item] = [tick(text, price, symbol) for text, price in prices.items()]
    at = moment("09:15:00")
    while at <= last:
        items.append(clock_at(at))
        at += MINUTE
    # A clock entry comes before the ticks of its time.
    return sorted(items, key=lambda item: (item.time, isinstance(item, Row)))


def clock_at(at: int) -> Item:
    return msgspec.structs.replace(clock("09:15:00"), time=at, phase=phase_at(at))


def seesaw(count: int, low: float = 100.0, high: float = 101.0) -> dict[str, float]:
    """An opening price, and `count` returns of ±ln(high / low), one a minute from 09:30 on."""
    prices = {"09:25:00": low}
    for minute in range(count):
        prices[f"{9 + (30 + minute) // 60:02}:{(30 + minute) % 60:02}:30"] = low if minute % 2 else high
    return prices


def no_prior_high(symbol: str, session: int, sessions: int) -> int:
    return -1


class Guard:
    """A guard core with its log in front of it."""

    def __init__(self, policies: Bundle, prior_high: PriorHigh = no_prior_high) -> None:
        self.core = GuardCore(NAMES, prior_high)
        self.seq = 0
        self.work = Work()
        self.core.assume(Conditions(), policies, self.work)

    def entries(self, items: Iterable[Item]) -> list[Entry]:
        """The next entries of the log."""
        entries = [msgspec.structs.replace(entry, seq=entry.seq + self.seq) for entry in log(items)]
        self.seq += len(entries)
        return entries

    def take(self, *items: Item) -> Work:
        """Process them; what they made the core write."""
        work = Work()
        self.core.process(NAMES.features, self.entries(items), work)
        return work


def verdicts(work: Work) -> list[Verdict]:
    """All that were written, in order."""
    return [verdict for entry in verdict_entries(work) for verdict in entry.verdicts]


def verdict_entries(work: Work) -> list[Verdicts]:
    return [codec.decode(write.payload, Verdicts) for write in work.writes if write.kind is Kind.VERDICTS]


def alerts(work: Work) -> list[Alert]:
    return [codec.decode(write.payload, Alert) for write in work.writes if write.kind is Kind.ALERT]


def decisions(work: Work) -> list[Decision]:
    return [verdict.decision for verdict in verdicts(work)]


def blocked(core_work: Sequence[Work]) -> dict[str, Decision]:
    """Target -> decision of what is not Ok after these works, as a reader of the verdicts knows it."""
    table: dict[str, Decision] = {}
    for work in core_work:
        for entry in verdict_entries(work):
            if entry.complete:
                table = {}
            for verdict in entry.verdicts:
                if verdict.decision in (Decision.OK, Decision.NOT_YET):
                    table.pop(verdict.target, None)
                else:
                    table[verdict.target] = verdict.decision
    return table


class Audit:
    """An audit core with its three streams in front of it, and the state that its commits have left."""

    def __init__(self, policies: Bundle) -> None:
        self.core = AuditCore(NAMES)
        self.seqs: dict[str, int] = {}
        self.fields: dict[str, bytes] = {}
        self.works: list[Work] = []
        self.assume(policies)

    def assume(self, policies: Bundle) -> Work:
        work = Work()
        self.core.assume(Conditions(), policies, work)
        return self._commit(work)

    def take(self, *items: Item) -> Work:
        """Features."""
        return self._take(NAMES.features, [(entry.kind, entry.payload, entry.meta) for entry in log(items)])

    def publish(self, *opportunities: Opportunity, cites: int = 0) -> Work:
        """Opportunities; `cites` is a sequence number of verdicts."""
        meta = Meta(cursor={NAMES.risk_verdicts: cites} if cites else {})
        return self._take(NAMES.opportunities, [(Kind.OPPORTUNITY, codec.encode(one), meta) for one in opportunities])

    def learn(self, *entries: Verdicts) -> Work:
        """Verdicts."""
        return self._take(NAMES.risk_verdicts, [(Kind.VERDICTS, codec.encode(one), NO_META) for one in entries])

    def feed(self, stream: str, kind: Kind, payload: bytes) -> Work:
        """Any entry."""
        return self._take(stream, [(kind, payload, NO_META)])

    def _take(self, stream: str, contents: Sequence[tuple[Kind, bytes, Meta]]) -> Work:
        entries = []
        for kind, payload, meta in contents:
            self.seqs[stream] = self.seqs.get(stream, 0) + 1
            entries.append(Entry(self.seqs[stream], kind, payload, meta))
        work = Work()
        self.core.process(stream, entries, work)
        return self._commit(work)

    def _commit(self, work: Work) -> Work:
        for name, value in work.state.items():
            if value is None:
                del self.fields[name]
            else:
                self.fields[name] = value
        self.works.append(work)
        return work


def verdict(
    rule: str = "volatility",
    target: str = f"symbol/{MAUTAI}",
    decision: Decision = Decision.BREACH,
    action: Action = Action.BLOCK,
) -> Verdict:
    return Verdict(
        policy="house", rule=rule, target=target, action=action, enforce=True, decision=decision,
        value=None if decision is Decision.UNKNOWN else 0.06, threshold=0.05, until=0,
    )  # fmt: skip


def say(policies: Bundle, *said: Verdict, complete: bool = False) -> Verdicts:
    return Verdicts(version=policies.version, seq=1, time=moment("10:00:00"), complete=complete, verdicts=list(said))
