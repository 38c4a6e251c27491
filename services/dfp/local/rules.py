"""A risk rule in words, for the start of a run."""

from dfp.contracts.policy import Concentration, Drawdown, Frequency, Rule, Volatility

_MINUTE_NS = 60_000_000_000


def in_words(rule: Rule) -> str:
    """For example `volatility of a symbol from 5% on: Block for 15 min`."""
    hold = f" for {rule.hold_ns / _MINUTE_NS:g} min" if rule.hold_ns else ""
    return f"{_limit(rule)}: {rule.action}{hold}"


def _limit(rule: Rule) -> str:
    match rule.check:
        case Volatility(threshold=threshold):
            return f"volatility of a symbol from {_percent(threshold)} on"
        case Drawdown(threshold=threshold, basis=basis):
            return f"{basis.lower()} drawdown from {_percent(threshold)} on"
        case Concentration(threshold=threshold, measure=measure):
            return f"{measure} above {_percent(threshold)}"
        case Frequency(limit=limit, window_ns=window):
            return f"more than {limit} signals in {window / 1e9:g} s"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:g}%"
