"""What the risk guard says is not Ok, as the gate and the auditor know it at one place of the verdict stream."""

from collections.abc import Mapping

import msgspec

from dfp.contracts.errors import ContractError
from dfp.contracts.policy import Drawdown, Policy, Rule, Volatility
from dfp.contracts.risk import Decision, Verdicts
from dfp.risk.latch import STRICT

PREFIX = "verdict/"
VERSION_FIELD = "verdict-version"

_BAD = frozenset({Decision.BREACH, Decision.UNKNOWN})
_SYMBOL = "symbol/"


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """A verdict that is not Ok, and the version of the bundle by which it was judged."""

    version: str
    decision: Decision
    value: float | None
    threshold: float
    until: int


_Key = tuple[str, str, str]


class VerdictTable:
    """Verdicts that are not Ok, by (policy, rule, target).

    Attributes:
        version: of the bundle by which the guard judged when it last said everything, None before it has.
        changes: state field -> new value (None deletes it) since the owner cleared it.
    """

    def __init__(self) -> None:
        self.version: str | None = None
        self.changes: dict[str, bytes | None] = {}
        self._bad: dict[_Key, Standing] = {}

    def learn(self, verdicts: Verdicts) -> None:
        """Take an entry of the verdict stream.

        A complete one is of the guard and about symbols; those on strategies come from the auditor, change by change.

        Raises:
            ContractError: a time that no state can hold.
        """
        for verdict in verdicts.verdicts:
            if not 0 <= verdict.until < 2**63:
                raise ContractError("Verdict.until", verdict.until, "a time in UTC nanoseconds, or 0")
        if verdicts.complete:
            self.version = verdicts.version
            self.changes[VERSION_FIELD] = verdicts.version.encode()
            old = [k for k, bad in self._bad.items() if k[2].startswith(_SYMBOL) or bad.version != verdicts.version]
            for key in old:
                self._drop(key)
        for verdict in verdicts.verdicts:
            key = (verdict.policy, verdict.rule, verdict.target)
            if verdict.decision in _BAD:
                bad = Standing(verdicts.version, verdict.decision, verdict.value, verdict.threshold, verdict.until)
                self._bad[key] = bad
                self.changes[_field(key)] = msgspec.msgpack.encode(bad)
            elif key in self._bad:
                self._drop(key)

    def find(self, policy: Policy, rule: Rule, target: str, version: str) -> Standing | None:
        """What is not Ok for a rule and target by a bundle, None when it is Ok."""
        bad = self._bad.get((policy.name, rule.name, target))
        return bad if bad is not None and bad.version == version else None

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Replace the table by what `changes` gave.

        Raises:
            ContractError: a field was written by another version.
        """
        self.changes = {}
        version = fields.get(VERSION_FIELD)
        self.version = None if version is None else version.decode()
        self._bad = {}
        for field, value in fields.items():
            if not field.startswith(PREFIX):
                continue
            try:
                policy, rule, target = field.removeprefix(PREFIX).split("/", 2)
                self._bad[policy, rule, target] = msgspec.msgpack.decode(value, type=Standing)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                raise ContractError(field, value[:64], f"a verdict ({error})") from None

    def _drop(self, key: _Key) -> None:
        del self._bad[key]
        self.changes[_field(key)] = None


def blocking(
    table: VerdictTable, policy: Policy, version: str, symbol: str, strategies: list[str]
) -> tuple[Rule, str, Standing] | None:
    """The first rule of an enforced policy by which verdicts keep a candidate back, with the target and what it says.

    Args:
        strategies: names of the candidate's members.
    """
    for rule in policy.rules if policy.enforce else ():
        if not stops_by_verdict(policy, rule):
            continue
        targets = [symbol_target(symbol)]
        if judges_strategies(rule):
            targets = [f"strategy/{name}" for name in strategies if policy.binds(name)]
        for target in targets:
            bad = table.find(policy, rule, target, version)
            if bad is not None:
                return rule, target, bad
    return None


def is_guarded(rule: Rule) -> bool:
    """Whether a rule is judged by the risk guard or the auditor, not by the gate."""
    return isinstance(rule.check, Volatility | Drawdown)


def judges_strategies(rule: Rule) -> bool:
    """Whether a guarded rule is about strategies; the others are about symbols."""
    return isinstance(rule.check, Drawdown) and rule.check.basis == "Equity"


def stops_by_verdict(policy: Policy, rule: Rule) -> bool:
    """Whether a rule keeps candidates back by verdicts, and so keeps them all back while those are stale."""
    return policy.enforce and rule.action in STRICT and is_guarded(rule)


def symbol_target(symbol: str) -> str:
    """Target of a verdict on a symbol."""
    return _SYMBOL + symbol


def _field(key: _Key) -> str:
    return PREFIX + "/".join(key)
