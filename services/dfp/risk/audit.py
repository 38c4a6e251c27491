"""The auditor's pure core: reads what was published, as a follower and as a controller.

As a follower it keeps the equity of each strategy, and judges its drawdown. As a controller it checks each publication
against the verdicts that it cites: one that a policy should have kept back raises GateBypassed. The aggregator cannot
be asked whether its own gate works.

Its state rides in its commits. Its reader (pacing.py) gives it verdicts, opportunities and features in the order in
which the aggregator knew them, so what it finds is a function of the three streams.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.codec import Document
from dfp.contracts.conditions import Conditions, strategy_target
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import decode_ticks
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.policy import NO_POLICIES, Action, Bundle, Drawdown, Policy, Rule
from dfp.contracts.risk import Alert, Decision, Halt, Severity, Verdict, Verdicts
from dfp.contracts.signal import Direction
from dfp.log.work import Work, Write
from dfp.market.phases import DAY_NS, midnight_ns
from dfp.market.symbols import SymbolError, pack
from dfp.risk.announcement import alert, consequence, name_of, severity_of
from dfp.risk.bypass import bypass, is_guarded
from dfp.risk.equity import Account, Position
from dfp.risk.followers import Followers
from dfp.risk.latch import Latch
from dfp.risk.verdict_table import VerdictTable, judges_strategies, symbol_target

STAGE = "risk-audit"
BYPASSED = "GateBypassed"

_CLOCK = "@clock"
_POSITION, _ACCOUNT = "position/", "account/"

D = TypeVar("D", bound=Document)
S = TypeVar("S", Position, Account)


_DrawdownRule = tuple[Policy, Rule, Drawdown]


class _Clock(msgspec.Struct, array_like=True, frozen=True):
    """Where the log's clock stands.

    Attributes:
        features: sequence number of the last feature entry.
        version: of the policies.
        settling: see `AuditCore`.
    """

    session: int = 0
    time: int = 0
    features: int = 0
    version: str = ""
    settling: bool = False


class AuditCore:
    """Implements `dfp.log.work.Core` over verdicts, opportunities and features, and `dfp.runtime.stage.Conditional`.

    When policies change, publications under the old ones may still be on their way. They are all read before the next
    feature entry is, so the check of those that cite older verdicts begins with that one.

    Counts `publications`, `bypasses`, `followed`, `no-slot`, `untradable`, `gaps` and `rejected/REASON`.
    """

    _clock: _Clock
    _followers: Followers
    _table: VerdictTable

    def __init__(self, names: Names) -> None:
        self.names = names
        self.bundle = NO_POLICIES
        self.load_state({})

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """See `dfp.log.work.Core`."""
        for entry in entries:
            try:
                if stream == self.names.risk_verdicts:
                    self._table.learn(_decoded(entry, Kind.VERDICTS, Verdicts))
                elif stream == self.names.opportunities:
                    self._take_opportunity(_decoded(entry, Kind.OPPORTUNITY, Opportunity), entry, work)
                else:
                    self._take_feature(entry, work)
            except (ContractError, SymbolError) as error:
                self._refuse(entry, error, work)
        self._keep(work)

    def assume(self, conditions: Conditions, bundle: Bundle, work: Work) -> None:
        """See `dfp.runtime.stage.Conditional`. Only the policies matter."""
        self.bundle = bundle
        self.conditions = Conditions(halts=None, risk_fresh=None, policies=bundle.version)
        if bundle.version == self._clock.version:
            return
        self._clock = msgspec.structs.replace(self._clock, version=bundle.version, settling=True)
        rules = self._rules()
        known = {name_of(policy, rule) for policy, rule, _ in rules}
        for account in self._followers.accounts.values():
            account.latches = {name: latch for name, latch in account.latches.items() if name in known}
        self._tell(self._breaches(rules), work)
        self._keep(work)

    def save(self) -> bytes:
        """The whole state."""
        return msgspec.msgpack.encode(dict(sorted(self._committed.items())))

    def load(self, state: bytes) -> None:
        """See `dfp.log.work.Core`."""
        try:
            fields = msgspec.msgpack.decode(state, type=dict[str, bytes]) if state else {}
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("risk audit state", state[:32], str(error)) from None
        self.load_state(fields)

    def load_state(self, fields: Mapping[str, bytes]) -> None:
        """See `dfp.runtime.stage.CommittedState`.

        Raises:
            ContractError: a field was written by another version.
        """
        try:
            self._clock = msgspec.msgpack.decode(fields[_CLOCK], type=_Clock) if _CLOCK in fields else _Clock()
            self._followers = Followers(_loaded(fields, _POSITION, Position), _loaded(fields, _ACCOUNT, Account))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("risk audit state", dict(fields), str(error)) from None
        self._table = VerdictTable()
        self._table.restore(fields)
        self._committed = dict(fields)
        self.conditions = Conditions(halts=None, risk_fresh=None, policies=self._clock.version)

    def _take_opportunity(self, opportunity: Opportunity, entry: Entry, work: Work) -> None:
        if not 0 <= opportunity.opened <= opportunity.as_of < 2**63:
            raise ContractError("Opportunity.opened", opportunity.opened, f"a time up to as_of = {opportunity.as_of}")
        pack(opportunity.symbol)  # raises for what is no symbol
        work.count("publications")
        if opportunity.state is State.CLOSED:
            self._followers.leave(opportunity)
            return
        self._check(opportunity, entry, work)
        if opportunity.rev == 1 and opportunity.side is Direction.UP and opportunity.session >= self._clock.session:
            work.count("followed" if self._followers.follow(opportunity) else "no-slot")

    def _check(self, opportunity: Opportunity, entry: Entry, work: Work) -> None:
        """Raise GateBypassed for a publication that the gate should have kept back."""
        table = self._table
        if not is_guarded(opportunity, self.bundle) or (self._clock.settling and table.version != self.bundle.version):
            return
        why = bypass(opportunity, entry.meta.cursor.get(self.names.risk_verdicts, 0), table, self.bundle)
        if why is not None:
            work.count("bypasses")
            text = f"{opportunity.symbol} {opportunity.side}, revision {opportunity.rev} of {opportunity.id}: {why}"
            target, about = symbol_target(opportunity.symbol), f"{opportunity.id} {opportunity.rev}"
            self._alert(alert(BYPASSED, Severity.CRITICAL, target, opportunity.as_of, text, about=about), work)

    def _take_feature(self, entry: Entry, work: Work) -> None:
        self._clock = msgspec.structs.replace(self._clock, features=entry.seq, settling=False)
        match entry.kind:
            case Kind.FEATURES:
                untradable = self._followers.take(decode_ticks(entry.payload))
                if untradable:
                    work.count("untradable", untradable)
            case Kind.CLOCK:
                self._take_clock(codec.decode(entry.payload, Clock), work)
            case Kind.GAP:
                work.count("gaps")  # positions stay marked to the last price that is known
            case _:
                raise ContractError("kind", str(entry.kind), "features, clock or gap")

    def _take_clock(self, clock: Clock, work: Work) -> None:
        try:
            midnight = midnight_ns(clock.session)
        except ValueError as error:
            raise ContractError("Clock.session", clock.session, str(error)) from None
        if not 0 <= clock.time - midnight <= DAY_NS:
            raise ContractError("Clock.time", clock.time, f"a time on {clock.session}")
        rules = self._rules()
        verdicts: list[Verdict] = []
        if clock.session != self._clock.session:
            verdicts += self._breaches(rules, lifted=True)
            self._followers.begin_session(midnight)
        elif clock.time < self._clock.time:
            raise ContractError("Clock.time", clock.time, f"not before the last one, {self._clock.time}")
        self._clock = msgspec.structs.replace(self._clock, session=clock.session, time=clock.time)
        window_ns = max((check.window_ns or 0 for _, _, check in rules), default=0)
        for strategy, account in self._followers.mark(clock.time, window_ns):
            for policy, rule, check in rules:
                if policy.binds(strategy):
                    verdicts += self._judge(policy, rule, check, strategy, account, work)
        self._tell(verdicts, work)

    def _judge(
        self, policy: Policy, rule: Rule, check: Drawdown, strategy: str, account: Account, work: Work
    ) -> list[Verdict]:
        at, name, threshold = self._clock.time, name_of(policy, rule), check.threshold
        latch = account.latches.setdefault(name, Latch())
        before = latch.breached, latch.locked_at
        value = account.drawdown(check, at)
        latch.step(value, at, threshold, rule.hold_ns)
        if (latch.breached, latch.locked_at) == before:
            return []
        target = strategy_target(strategy)
        if latch.breached:
            text = f"{strategy}: equity has fallen {value:.2%} from its peak{consequence(policy, rule)}"
            severity = severity_of(policy, rule)
            self._alert(alert(name, severity, target, at, text, value=value, threshold=threshold), work)
            if policy.enforce and rule.action is Action.HALT:
                halt = Halt(target=target, cause=name, since=at, reason=text[:500])
                work.halts.setdefault(target, codec.encode(halt))
        else:
            text = f"{strategy}: equity is back, {value:.2%} below its peak"
            self._alert(alert(name, Severity.INFO, target, at, text, value=value, threshold=threshold), work)
        return [_verdict(policy, rule, check, strategy, value, latch)]

    def _breaches(self, rules: Sequence[_DrawdownRule], *, lifted: bool = False) -> list[Verdict]:
        """Verdicts on all breaches; `lifted` says that they have ended."""
        breaches: list[Verdict] = []
        for strategy, account in sorted(self._followers.accounts.items()):
            for policy, rule, check in rules:
                latch = account.latches.get(name_of(policy, rule))
                if latch is not None and latch.breached:
                    value = account.drawdown(check, self._clock.time)
                    breaches.append(_verdict(policy, rule, check, strategy, value, Latch() if lifted else latch))
        return breaches

    def _rules(self) -> list[_DrawdownRule]:
        return [
            (policy, rule, rule.check)
            for policy in self.bundle.policies
            for rule in policy.rules
            if isinstance(rule.check, Drawdown) and judges_strategies(rule)
        ]

    def _tell(self, verdicts: Sequence[Verdict], work: Work) -> None:
        """Write the verdicts that block. A halt is set once; when a person has released it, nothing of it stays."""
        told = [verdict for verdict in verdicts if verdict.action is Action.BLOCK]
        if told:
            clock = self._clock
            document = Verdicts(
                version=self.bundle.version, seq=clock.features, time=clock.time, complete=False, verdicts=told
            )
            meta = Meta(cursor={self.names.features: clock.features})
            work.writes.append(Write(self.names.risk_verdicts, Kind.VERDICTS, codec.encode(document), meta))

    def _alert(self, raised: Alert, work: Work) -> None:
        stream = self.names.risk_alerts
        meta = Meta(cursor={self.names.features: self._clock.features})
        work.writes.append(Write(stream, Kind.ALERT, codec.encode(raised), meta, channel=stream))

    def _keep(self, work: Work) -> None:
        """Let what has changed ride in the commit."""
        fields = {_CLOCK: msgspec.msgpack.encode(self._clock)}
        fields |= {_POSITION + key: msgspec.msgpack.encode(held) for key, held in self._followers.positions.items()}
        fields |= {_ACCOUNT + key: msgspec.msgpack.encode(account) for key, account in self._followers.accounts.items()}
        changes: dict[str, bytes | None] = {
            name: None for name in self._committed if name.startswith((_POSITION, _ACCOUNT)) and name not in fields
        }
        changes |= {name: value for name, value in fields.items() if self._committed.get(name) != value}
        changes |= self._table.changes
        self._table.changes = {}
        for name, value in changes.items():
            if value is None:
                self._committed.pop(name, None)
            else:
                self._committed[name] = value
        work.state.update(changes)

    def _refuse(self, entry: Entry, error: ValueError, work: Work) -> None:
        letter = dead_letter(STAGE, f"bad-{entry.kind}", str(error), entry.payload)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter), entry.meta))
        work.count(f"rejected/bad-{entry.kind}")


def _verdict(policy: Policy, rule: Rule, check: Drawdown, strategy: str, value: float, latch: Latch) -> Verdict:
    return Verdict(
        policy=policy.name,
        rule=rule.name,
        target=strategy_target(strategy),
        action=rule.action,
        enforce=policy.enforce,
        decision=Decision.BREACH if latch.breached else Decision.OK,
        value=value,
        threshold=check.threshold,
        until=latch.until(rule.hold_ns),
    )


def _decoded(entry: Entry, kind: Kind, document: type[D]) -> D:
    if entry.kind is not kind:
        raise ContractError("kind", str(entry.kind), str(kind))
    return codec.decode(entry.payload, document)


def _loaded(fields: Mapping[str, bytes], prefix: str, kind: type[S]) -> dict[str, S]:
    return {
        name.removeprefix(prefix): msgspec.msgpack.decode(value, type=kind)
        for name, value in fields.items()
        if name.startswith(prefix)
    }
