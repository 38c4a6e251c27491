"""What the guard writes about one entry of the log: a verdict for each change, and alerts for people."""

from collections.abc import Sequence

from dfp.contracts import codec
from dfp.contracts.conditions import PIPELINE
from dfp.contracts.entry import Kind, Meta
from dfp.contracts.names import Names
from dfp.contracts.policy import Volatility
from dfp.contracts.risk import Alert, Decision, Severity, Verdict, Verdicts
from dfp.log.work import Work, Write
from dfp.risk.announcement import alert, consequence, name_of, severity_of
from dfp.risk.prices import Prices
from dfp.risk.symbol_rule import Change, SymbolRule
from dfp.risk.verdict_table import symbol_target

MOST_ALERTS = 20
"""Symbols for which one judgement of a rule raises alerts one by one: at an open a fifth of the market may breach."""


class Report:
    """Collects what follows from one entry, and writes it.

    Args:
        version: of the bundle.
        seq: of the entry.
        at: event time.
    """

    def __init__(self, names: Names, version: str, prices: Prices, seq: int, at: int) -> None:
        self.names = names
        self.at = at
        self._version = version
        self._prices = prices
        self._seq = seq
        self._verdicts: list[Verdict] = []
        self._alerts: list[Alert] = []

    def add(self, rule: SymbolRule, changes: Sequence[Change]) -> None:
        """Tell what has changed under a rule."""
        if not changes:
            return
        what = "volatility" if isinstance(rule.check, Volatility) else "drawdown"
        threshold = f"{rule.check.threshold:.2%}"
        does = consequence(rule.policy, rule.rule)
        begun = [change for change in changes if change.is_new]
        self._announce(rule, severity_of(rule.policy, rule.rule), begun, f"{what} has reached {threshold}{does}")
        ended = [change for change in changes if change.is_over]
        self._announce(rule, Severity.INFO, ended, f"{what} is back below {threshold}")
        unknown = next((change for change in changes if change.decision is Decision.UNKNOWN), None)
        if unknown is not None and not rule.warned:
            rule.warned = True
            symbol = self._prices.symbol(unknown.place)
            why = "ticks are missing" if self._prices.lost[unknown.place] else "no daily bars, see DFP_REFERENCE_DATA"
            text = f"{what} of {symbol}, and perhaps of others, cannot be told ({why}){does}"
            self._alert(rule, Severity.WARNING, PIPELINE, text, None)
        self._verdicts += [self._verdict(rule, change) for change in changes]

    def list(self, rule: SymbolRule) -> None:
        """Tell everything that is not Ok under a rule."""
        self._verdicts += [self._verdict(rule, change) for change in rule.bad()]

    def write(self, work: Work, *, complete: bool = False) -> None:
        """Add it to the work.

        Args:
            complete: everything that is not listed is Ok; this is told even when nothing is listed.
        """
        meta = Meta(cursor={self.names.features: self._seq})
        if self._verdicts or complete:
            document = Verdicts(
                version=self._version, seq=self._seq, time=self.at, complete=complete, verdicts=self._verdicts
            )
            work.writes.append(Write(self.names.risk_verdicts, Kind.VERDICTS, codec.encode(document), meta))
            work.count("verdicts", len(self._verdicts))
        stream = self.names.risk_alerts
        for raised in self._alerts:
            work.writes.append(Write(stream, Kind.ALERT, codec.encode(raised), meta, channel=stream))
            work.count("alerts")

    def _announce(self, rule: SymbolRule, severity: Severity, changes: Sequence[Change], text: str) -> None:
        symbols = [self._prices.symbol(change.place) for change in changes]
        if len(symbols) > MOST_ALERTS:
            text = f"{text}: {len(symbols)} symbols, {', '.join(symbols[:MOST_ALERTS])} …"
            self._alert(rule, severity, PIPELINE, text, None)
            return
        for symbol, change in zip(symbols, changes, strict=True):
            self._alert(rule, severity, symbol_target(symbol), f"{symbol}: {text}", change.value)

    def _alert(self, rule: SymbolRule, severity: Severity, target: str, text: str, value: float | None) -> None:
        name, threshold = name_of(rule.policy, rule.rule), rule.check.threshold
        raised = alert(name, severity, target, self.at, text, about=text, value=value, threshold=threshold)
        self._alerts.append(raised)

    def _verdict(self, rule: SymbolRule, change: Change) -> Verdict:
        return Verdict(
            policy=rule.policy.name,
            rule=rule.rule.name,
            target=symbol_target(self._prices.symbol(change.place)),
            action=rule.rule.action,
            enforce=rule.policy.enforce,
            decision=change.decision,
            value=change.value,
            threshold=rule.check.threshold,
            until=change.until,
        )
