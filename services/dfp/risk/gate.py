"""The gate: what stands between a candidate and its publication, inside the aggregator.

Frequency and concentration are judged here, exactly, because the aggregator owns the order of signals and the set of
active opportunities. Volatility and drawdown are judged by the risk guard; the gate keeps its verdicts in memory. While
those are stale, a policy that would block or halt by them lets nothing through.

Frequency and concentration are questions about one signal and one candidate, so each is answered for itself; hysteresis
has nothing to hold. A rule's `hold` still locks, and its alert is not repeated before it was quiet for a minute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from dfp.contracts.conditions import PIPELINE, strategy_target
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import Action, Bundle, Concentration, Frequency, Policy, Rule, Scope
from dfp.contracts.risk import Alert, Halt, RiskStatus, Verdicts
from dfp.contracts.signal import Signal
from dfp.risk.announcement import alert, consequence, name_of, severity_of
from dfp.risk.concentration import SectorOf, Spread, spread
from dfp.risk.frequency import Window
from dfp.risk.latch import CALM_NS, STRICT, passed
from dfp.risk.verdict_table import VerdictTable, blocking, is_guarded, stops_by_verdict

STALE = "RiskGuardStale"
FIELDS = "@gate/"
SESSION_FIELD = "@gate/session"


@dataclass(slots=True)
class Effects:
    """What follows from rules beside their ruling; both ride in the same commit.

    Attributes:
        halts: target -> Halt.
    """

    alerts: list[Alert] = field(default_factory=list)
    halts: dict[str, Halt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a candidate may be published.

    Attributes:
        status: goes into the opportunity when it is published.
        reason: otherwise `POLICY/RULE` or `RiskGuardStale`, as `Held.reason`.
        detail: for people, as `Held.detail`.
    """

    publish: bool
    status: RiskStatus
    reason: str = ""
    detail: str = ""


class _Memory(msgspec.Struct, array_like=True):
    """What a gate rule remembers of a target.

    Attributes:
        window: of a frequency rule.
        breached_at: event time of the last breach, 0 = never.
        locked_at: event time of the last breach that was not itself under a lock, 0 = never.
    """

    window: Window
    breached_at: int = 0
    locked_at: int = 0


@dataclass(frozen=True, slots=True)
class _Breach:
    target: str
    message: str
    value: float
    threshold: float


_Key = tuple[str, str, str]
"""(policy, rule, whom it is about)."""


class Gate:
    """The rules of one bundle.

    Args:
        sector_of: (symbol, session) -> name of the sector, None when it is unknown.
    """

    def __init__(self, bundle: Bundle, sector_of: SectorOf) -> None:
        self.bundle = bundle
        self._sector_of = sector_of
        self._table = VerdictTable()
        self._memory: dict[_Key, _Memory] = {}
        self._session = 0
        self._changes: dict[str, bytes | None] = {}

    @property
    def guarded(self) -> bool:
        """Whether an enforced rule that blocks or halts depends on the risk guard, whomever it binds."""
        return any(stops_by_verdict(policy, rule) for policy in self.bundle.policies for rule in policy.rules)

    @property
    def informed(self) -> bool:
        """Whether the guard's verdicts are by this bundle; until then they are as good as stale."""
        return self._table.version == self.bundle.version

    def learn(self, verdicts: Verdicts) -> None:
        """Take what has changed in the guard's verdicts."""
        self._table.learn(verdicts)

    def admit(self, signal: Signal, effects: Effects) -> str | None:
        """Judge a live signal by the frequency rules, in the order in which signals are read.

        Returns:
            None when it is admitted, else the rule that refuses it, `POLICY/RULE`.
        """
        if signal.session > self._session:
            self._session = signal.session
            self._changes[SESSION_FIELD] = b"%d" % signal.session
            self._forget_expired(signal.as_of)
        refused: str | None = None
        counting: list[tuple[_Key, _Memory, int, Frequency]] = []
        for policy in self.bundle.policies:
            for rule in policy.rules if policy.binds(signal.strategy) else ():
                if not isinstance(rule.check, Frequency):
                    continue
                key = (policy.name, rule.name, _counted(rule, signal))
                memory = self._memory.get(key) or _Memory(Window())
                at = memory.window.moment(signal.as_of)
                if self._is_too_many(policy, rule, key, memory, at, signal, effects):
                    refused = refused or name_of(policy, rule)
                counting.append((key, memory, at, rule.check))
        if refused is None:
            for key, memory, at, check in counting:
                memory.window.admit(at, check)
                self._remember(key, memory)
        return refused

    def standing(self, opportunity: Opportunity, fresh: bool) -> RiskStatus | None:
        """Under which risk knowledge a revision would be published now; None = it has to be kept back.

        Args:
            fresh: whether the risk guard has confirmed its verdicts (`Conditions.risk_fresh`).
        """
        policies = self._binding(opportunity)
        if not any(policy.rules for policy in policies):
            return RiskStatus.UNCHECKED
        guarded = [(policy, rule) for policy in policies for rule in policy.rules if is_guarded(rule)]
        if not guarded or (fresh and self.informed):
            return RiskStatus.VERIFIED
        return None if any(stops_by_verdict(policy, rule) for policy, rule in guarded) else RiskStatus.UNVERIFIED

    def judge(
        self, candidate: Opportunity, active: Sequence[Opportunity], at: int, fresh: bool, effects: Effects
    ) -> Ruling:
        """Judge the first revision of an opportunity.

        Args:
            active: the last revisions of all live opportunities.
            at: event time, UTC nanoseconds.
            fresh: see `standing`.
        """
        status = self.standing(candidate, fresh)
        if status is None:
            lack = "is silent" if self.informed else "has not judged by the new policies yet"
            return Ruling(publish=False, status=RiskStatus.UNVERIFIED, reason=STALE, detail=f"the risk guard {lack}")
        strategies = [member.strategy for member in candidate.members]
        for policy in self._binding(candidate):
            blocked = blocking(self._table, policy, self.bundle.version, candidate.symbol, strategies)
            if blocked is not None:
                rule, target, bad = blocked
                value = "is not known" if bad.value is None else f"is {bad.value:.2%}"
                detail = f"{target} {value}, the threshold is {bad.threshold:.2%}"
                return Ruling(publish=False, status=status, reason=name_of(policy, rule), detail=detail)
        held: Ruling | None = None
        for policy in self._binding(candidate):
            for rule in policy.rules:
                if not isinstance(rule.check, Concentration):
                    continue
                found = spread(rule.check, candidate, active, self._sector_of)
                why = None if found is None else self._too_uneven(policy, rule, found, at, candidate, effects)
                if why is not None and held is None:
                    held = Ruling(publish=False, status=status, reason=name_of(policy, rule), detail=why)
        return held or Ruling(publish=True, status=status)

    def changed(self) -> dict[str, bytes | None]:
        """State fields that changed since the last call (None = delete), all named `@gate/…`; to ride in the commit."""
        changes, self._changes = self._changes, {}
        changes.update({FIELDS + name: value for name, value in self._table.changes.items()})
        self._table.changes = {}
        return changes

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Replace the state by what `changed` gave; other fields than `@gate/…` are passed over.

        Raises:
            ContractError: a field was written by another version.
        """
        own = {name.removeprefix(FIELDS): value for name, value in fields.items() if name.startswith(FIELDS)}
        self._changes = {}
        self._memory = {}
        self._session = 0
        self._table.restore(own)
        for name, value in own.items():
            try:
                if name == "session":
                    self._session = int(value)
                elif name.startswith("rule/"):
                    _, policy, rule, whom = name.split("/", 3)
                    self._memory[policy, rule, whom] = msgspec.msgpack.decode(value, type=_Memory)
            except (msgspec.MsgspecError, ValueError) as error:
                raise ContractError(FIELDS + name, value[:64], f"what the gate remembers ({error})") from None

    def inherit(self, old: "Gate") -> None:
        """Take over what the gate of another bundle remembers where it still means the same."""
        self._table = old._table
        self._session = old._session
        self._changes = old._changes
        rules = {(policy.name, rule.name): rule for policy in self.bundle.policies for rule in policy.rules}
        same = {
            (policy.name, rule.name)
            for policy in old.bundle.policies
            for rule in policy.rules
            if rules.get((policy.name, rule.name)) == rule
        }
        for key, memory in old._memory.items():
            if key[:2] in same:
                self._memory[key] = memory
            else:
                self._changes[_field(key)] = None

    def _binding(self, opportunity: Opportunity) -> list[Policy]:
        return [
            policy
            for policy in self.bundle.policies
            if any(policy.binds(member.strategy) for member in opportunity.members)
        ]

    def _is_too_many(
        self, policy: Policy, rule: Rule, key: _Key, memory: _Memory, at: int, signal: Signal, effects: Effects
    ) -> bool:
        """Whether a frequency rule refuses a signal."""
        check = rule.check
        assert isinstance(check, Frequency)
        acts = policy.enforce and rule.action in STRICT
        if not memory.window.is_full(at, check):
            return acts and _is_locked(rule, memory, at)
        what = f"{signal.strategy}: more than {check.limit} signals in {check.window_ns / 1e9:g} s"
        if rule.scope is Scope.SYMBOL:
            what += f" on {signal.symbol}"
        target = PIPELINE if rule.scope is Scope.PIPELINE else strategy_target(signal.strategy)
        breach = _Breach(target, what + consequence(policy, rule), check.limit + 1.0, float(check.limit))
        self._act(policy, rule, key, memory, at, breach, effects)
        return acts

    def _too_uneven(
        self, policy: Policy, rule: Rule, found: Spread, at: int, candidate: Opportunity, effects: Effects
    ) -> str | None:
        """Why a concentration rule keeps a candidate back, None when it does not."""
        check = rule.check
        assert isinstance(check, Concentration)
        acts = policy.enforce and rule.action in STRICT
        key = (policy.name, rule.name, PIPELINE)
        memory = self._memory.get(key) or _Memory(Window())
        threshold, value = check.threshold, found.value
        if value is None:
            # What is not known of one candidate is no reason to halt: it is kept back, and others are judged.
            return f"the sector of {candidate.symbol} is not known" if acts else None
        if value <= threshold:
            return "locked by an earlier breach" if acts and _is_locked(rule, memory, at) else None
        what = f"{check.measure} is {value:.2%} with {candidate.symbol}, the threshold is {threshold:.2%}"
        stopped = acts and (found.raised or rule.action is Action.HALT)
        does = consequence(policy, rule) if stopped or not acts else "; the candidate does not add to it"
        self._act(policy, rule, key, memory, at, _Breach(PIPELINE, what + does, value, threshold), effects)
        return what if stopped else None

    def _act(
        self, policy: Policy, rule: Rule, key: _Key, memory: _Memory, at: int, breach: _Breach, effects: Effects
    ) -> None:
        """Announce a breach unless it goes on from one that was announced, set its lock, and halt if the rule does."""
        name, target = name_of(policy, rule), breach.target
        if not memory.breached_at or passed(memory.breached_at, CALM_NS, at):
            told = alert(
                name, severity_of(policy, rule), target, at, breach.message,
                about=key[2], value=breach.value, threshold=breach.threshold,
            )  # fmt: skip
            effects.alerts.append(told)
        if policy.enforce and rule.action is Action.HALT:
            effects.halts.setdefault(target, Halt(target=target, cause=name, since=at, reason=breach.message[:500]))
        if not _is_locked(rule, memory, at):
            memory.locked_at = at
        memory.breached_at = max(memory.breached_at, at)
        self._remember(key, memory)

    def _remember(self, key: _Key, memory: _Memory) -> None:
        self._memory[key] = memory
        self._changes[_field(key)] = msgspec.msgpack.encode(memory)

    def _forget_expired(self, at: int) -> None:
        """At the start of a session, drop what can no longer matter, lest state grow with every symbol ever seen."""
        checks = {(policy.name, rule.name): rule for policy in self.bundle.policies for rule in policy.rules}
        for key, memory in list(self._memory.items()):
            rule = checks.get(key[:2])
            counts = rule is not None and isinstance(rule.check, Frequency) and memory.window.count(at, rule.check)
            if not counts and (rule is None or not _is_locked(rule, memory, at)):
                del self._memory[key]
                self._changes[_field(key)] = None


def _counted(rule: Rule, signal: Signal) -> str:
    """Whose signals a frequency rule counts together with this one."""
    match rule.scope:
        case Scope.SYMBOL:
            return f"{signal.strategy}/{signal.symbol}"
        case Scope.STRATEGY:
            return signal.strategy
        case Scope.PIPELINE:
            return PIPELINE


def _is_locked(rule: Rule, memory: _Memory, at: int) -> bool:
    return bool(rule.hold_ns and memory.locked_at) and not passed(memory.locked_at, rule.hold_ns, at)


def _field(key: _Key) -> str:
    return f"{FIELDS}rule/{'/'.join(key)}"
