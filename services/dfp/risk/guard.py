"""The risk guard's pure core: features in, verdicts and alerts out.

It judges what needs every tick of the market: realised volatility, at the points of its grid, and price drawdown, at
the clock entries. In between a verdict stands. Only changes are written; after a start, a new bundle and the beginning
of a session everything that is not Ok is written once, so that whoever reads on from there knows it all.

It goes by the policies alone. Halts and its own freshness are for those who publish.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.conditions import Conditions
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame, decode_ticks
from dfp.contracts.names import Names
from dfp.contracts.policy import NO_POLICIES, Bundle, Drawdown, Volatility
from dfp.log.work import Work, Write
from dfp.market.phases import DAY_NS, midnight_ns
from dfp.market.symbols import SymbolError
from dfp.risk.drawdown import UNKNOWN, PriorHigh, RollingPeaks, SavedPeaks, SessionPeaks, falls
from dfp.risk.prices import Flags, Floats, Prices, SavedPrices
from dfp.risk.report import Report
from dfp.risk.symbol_rule import SavedRule, SymbolRule
from dfp.risk.verdict_table import is_guarded, judges_strategies
from dfp.risk.volatility import RealisedVolatility, SavedVolatility

STAGE = "risk-guard"

MINUTE_NS = 60_000_000_000

_Grid = tuple[int | None, int]
_Reach = tuple[int | None, int | None]

USUAL: _Grid = (None, MINUTE_NS)
"""Followed even while no rule asks for it, so that a policy applied at noon knows the morning."""


E = TypeVar("E", RealisedVolatility, SessionPeaks, RollingPeaks, SessionPeaks | RollingPeaks)


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    version: int
    seq: int
    bundle: Bundle
    session: int
    time: int
    prices: SavedPrices
    volatility: list[tuple[_Grid, SavedVolatility]]
    peaks: list[tuple[_Reach, SavedPeaks]]
    rules: list[SavedRule]


VERSION = 1

_decoder = msgspec.msgpack.Decoder(_Saved)


class GuardCore:
    """Implements `dfp.log.work.Core` over the feature stream, and `dfp.runtime.stage.Conditional`.

    Counts `ticks`, `clocks`, `gaps`, `verdicts`, `alerts` and `rejected/REASON`.

    Args:
        prior_high: highest prices of earlier sessions; see `dfp.risk.drawdown`.
    """

    _seq: int
    _session: int
    _time: int
    """Event time of the session's last clock entry, 0 before the first."""

    _prices: Prices

    def __init__(self, names: Names, prior_high: PriorHigh) -> None:
        self.names = names
        self._prior_high = prior_high
        self._start(NO_POLICIES)

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """See `dfp.log.work.Core`."""
        for entry in entries:
            if entry.seq != self._seq + 1:
                self._lose(work)  # a hole that nobody declared
            self._seq = entry.seq
            try:
                match entry.kind:
                    case Kind.FEATURES:
                        self._take_ticks(decode_ticks(entry.payload), work)
                    case Kind.CLOCK:
                        self._take_clock(codec.decode(entry.payload, Clock), work)
                    case Kind.GAP:
                        self._lose(work)
                    case _:
                        raise ContractError("kind", str(entry.kind), "features, clock or gap")
            except (ContractError, SymbolError) as error:
                self._refuse(entry, error, work)

    def assume(self, conditions: Conditions, bundle: Bundle, work: Work) -> None:
        """See `dfp.runtime.stage.Conditional`. What a rule has in common with one of before goes on."""
        if bundle != self.bundle:
            self._adopt(bundle)
            self._judge(self._rules, work)
        self._tell_all(self._time, work)

    def start_from(self, bundle: Bundle) -> None:
        """Policies by which the log is run again when there is no state to begin with."""
        if not self._seq:
            self._start(bundle)

    def save(self) -> bytes:
        """See `dfp.log.work.Core`."""
        return msgspec.msgpack.encode(
            _Saved(
                VERSION,
                self._seq,
                self.bundle,
                self._session,
                self._time,
                self._prices.save(),
                [(grid, estimator.save()) for grid, estimator in self._volatility.items()],
                [(reach, peaks.save()) for reach, peaks in self._peaks.items()],
                [rule.save() for rule in self._rules],
            )
        )

    def load(self, state: bytes) -> None:
        """See `dfp.log.work.Core`.

        Raises:
            ContractError: saved by another version, or no state of a guard; the core is then to be loaded with nothing.
        """
        self._start(NO_POLICIES)
        if not state:
            return
        try:
            saved = _decoder.decode(state)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("risk guard state", state[:32], f"a saved state of the risk guard ({error})") from None
        if saved.version != VERSION:
            raise ContractError("risk guard state", saved.version, f"version {VERSION}")
        self._start(saved.bundle)
        self._seq, self._session, self._time = saved.seq, saved.session, saved.time
        self._prices.load(saved.prices)
        for grid, volatility in saved.volatility:
            self._volatility[grid].load(volatility)
        for reach, peaks in saved.peaks:
            self._begun(self._peaks[reach]).load(peaks)
        for rule, kept in zip(self._rules, saved.rules, strict=True):
            rule.load(kept)

    def _start(self, bundle: Bundle) -> None:
        self._seq = self._session = self._time = 0
        self._prices = Prices()
        self._volatility: dict[_Grid, RealisedVolatility] = {}
        self._peaks: dict[_Reach, SessionPeaks | RollingPeaks] = {}
        self._rules: list[SymbolRule] = []
        self._adopt(bundle)

    def _adopt(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.conditions = Conditions(halts=None, risk_fresh=None, policies=bundle.version)
        known = {(rule.policy.name, rule.rule.name): rule for rule in self._rules}
        self._rules = [
            SymbolRule(policy, rule)
            for policy in bundle.policies
            for rule in policy.rules
            if is_guarded(rule) and not judges_strategies(rule)
        ]
        for rule in self._rules:
            before = known.get((rule.policy.name, rule.rule.name))
            if before is not None and before.rule == rule.rule:
                rule.follow(before)
        volatility, peaks = self._volatility, self._peaks
        self._volatility = {USUAL: volatility.get(USUAL) or self._begun(RealisedVolatility(*USUAL))}
        self._peaks = {}
        for rule in self._rules:
            if isinstance(rule.check, Volatility):
                grid = _grid(rule.check)
                if grid not in self._volatility:
                    self._volatility[grid] = volatility.get(grid) or self._begun(RealisedVolatility(*grid))
            else:
                reach = _reach(rule.check)
                if reach not in self._peaks:
                    self._peaks[reach] = peaks.get(reach) or self._begun(self._made(reach))

    def _made(self, reach: _Reach) -> SessionPeaks | RollingPeaks:
        sessions, window_ns = reach
        return SessionPeaks(sessions or 1, self._prior_high) if window_ns is None else RollingPeaks(window_ns)

    def _begun(self, estimator: E) -> E:
        if self._session:
            estimator.begin(self._prices, self._session)
        return estimator

    def _take_ticks(self, frame: Frame, work: Work) -> None:
        first = int(frame["time"][0])
        self._enter(frame.session, first, work)
        newly = self._prices.take(frame)
        work.count("ticks", frame.rows)
        if not len(newly):
            return
        for peaks in self._peaks.values():
            peaks.enter(self._prices, self._session, newly)
        # What cannot be judged today must not be taken for Ok until the next clock entry.
        no_value = np.full(len(newly), np.nan)
        report = self._report(self._time or first)
        for rule in self._rules:
            if isinstance(rule.check, Drawdown):
                unknown = self._peaks[_reach(rule.check)].peaks(self._prices)[newly] == UNKNOWN
                report.add(rule, rule.judge(newly, no_value, unknown, report.at))
        report.write(work)

    def _take_clock(self, clock: Clock, work: Work) -> None:
        self._enter(clock.session, clock.time, work)
        if not 0 <= clock.time - midnight_ns(clock.session) <= DAY_NS:
            raise ContractError("Clock.time", clock.time, f"a time on {clock.session}")
        if clock.time < self._time:
            raise ContractError("Clock.time", clock.time, f"not before the last one, {self._time}")
        work.count("clocks")
        self._time = clock.time
        prices = self._prices
        recent = prices.settle()
        for peaks in self._peaks.values():
            peaks.advance(prices, recent, self._session, self._time)
        moved = [
            grid
            for grid, volatility in self._volatility.items()
            if volatility.advance(prices, self._session, self._time)
        ]
        due = [rule for rule in self._rules if isinstance(rule.check, Drawdown) or _grid(rule.check) in moved]
        self._judge(due, work)

    def _lose(self, work: Work) -> None:
        """Ticks are missing: a symbol's price is not known before its next one."""
        self._prices.lose()
        work.count("gaps")

    def _enter(self, session: int, time: int, work: Work) -> None:
        if session == self._session:
            return
        try:
            midnight_ns(session)
        except ValueError as error:
            raise ContractError("session", session, str(error)) from None
        forget = session < self._session
        self._session, self._time = session, 0
        self._prices.begin_session()
        for estimator in (*self._volatility.values(), *self._peaks.values()):
            estimator.begin(self._prices, session)
        for rule in self._rules:
            rule.begin_session(forget=forget)
        self._tell_all(time, work)

    def _judge(self, rules: Sequence[SymbolRule], work: Work) -> None:
        everywhere = np.arange(len(self._prices))
        report = self._report(self._time)
        for rule in rules:
            values, unknown = self._values(rule.check)
            report.add(rule, rule.judge(everywhere, values, unknown, self._time))
        report.write(work)

    def _values(self, check: Volatility | Drawdown) -> tuple[Floats, Flags]:
        """A check's value of each symbol, and whether it cannot be told."""
        prices = self._prices
        if isinstance(check, Volatility):
            return self._volatility[_grid(check)].values(len(prices)), prices.present & prices.lost
        peaks = self._peaks[_reach(check)].peaks(prices)
        return falls(prices.last, peaks), prices.present & (prices.lost | (peaks == UNKNOWN))

    def _tell_all(self, at: int, work: Work) -> None:
        report = self._report(at)
        for rule in self._rules:
            report.list(rule)
        report.write(work, complete=True)

    def _report(self, at: int) -> Report:
        return Report(self.names, self.bundle.version, self._prices, self._seq, at)

    def _refuse(self, entry: Entry, error: ValueError, work: Work) -> None:
        letter = dead_letter(STAGE, f"bad-{entry.kind}", str(error), entry.payload)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter), entry.meta))
        work.count(f"rejected/bad-{entry.kind}")
        self._lose(work)


def _grid(check: Volatility) -> _Grid:
    return check.window_ns, check.grid_ns


def _reach(check: Drawdown) -> _Reach:
    return check.sessions, check.window_ns
