"""What may go out: every revision passes here, under the conditions that the commit will be held to.

While the pipeline is halted nothing goes out. While the risk guard is silent, what is bound by a policy that blocks or
halts by its verdicts stays in. A candidate that stays in goes to the held stream and never comes back; a revision of an
opportunity that is out already is only late: the core looks at it again when it may go out.
"""

from collections.abc import Mapping, Sequence

import msgspec

from dfp.contracts import codec
from dfp.contracts.conditions import PIPELINE, Conditions, strategy_target
from dfp.contracts.entry import Kind, Meta
from dfp.contracts.held import Held
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity, State
from dfp.contracts.policy import NO_POLICIES, Bundle
from dfp.contracts.risk import Alert, RiskStatus, Severity, Verdicts
from dfp.contracts.signal import Signal
from dfp.log.work import Work, Write
from dfp.risk.announcement import alert
from dfp.risk.concentration import SectorOf
from dfp.risk.gate import FIELDS, STALE, Effects, Gate

CONDITIONS_FIELD = "@conditions"
"""State field; no symbol can have this name."""

HALTED = "Halted"


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    conditions: Conditions
    told_stale: bool


class Publisher:
    """Conditions, gate and the streams behind them.

    Args:
        sector_of: (symbol, session) -> its sector, None when it is unknown.

    Attributes:
        conditions: under which it decides.
    """

    def __init__(self, names: Names, sector_of: SectorOf) -> None:
        self.names = names
        self.conditions = Conditions()
        self._sector_of = sector_of
        self._gate = Gate(NO_POLICIES, sector_of)
        self._loaded: dict[str, bytes] | None = None
        """The gate's fields between a load and the bundle that they belong to."""
        self._told_stale = False

    @property
    def halted(self) -> bool:
        """Nothing goes out at all."""
        return PIPELINE in self._halts

    def has_halted(self, strategy: str) -> bool:
        """Whether a strategy's word does not count."""
        return strategy_target(strategy) in self._halts

    @property
    def _halts(self) -> tuple[str, ...]:
        return self.conditions.halts or ()

    @property
    def _fresh(self) -> bool:
        return bool(self.conditions.risk_fresh)

    def assume(self, conditions: Conditions, bundle: Bundle, time: int, work: Work) -> None:
        """Go by other conditions and policies; see `dfp.runtime.stage.Conditional`.

        Args:
            time: event time, for alerts.
        """
        before, self.conditions = self.conditions, conditions
        self._go_by(bundle, before.policies, work)
        if before.risk_fresh and not conditions.risk_fresh:
            self._tell_stale(time, work)
        self._tell_back(time, work)
        self._save_conditions(work)

    def learn(self, verdicts: Verdicts, time: int, work: Work) -> bool:
        """Take verdicts; whether they end a time without any by the policies that hold.

        Args:
            time: event time, for alerts.

        Raises:
            ContractError: no state can hold them.
        """
        informed = self._gate.informed
        self._gate.learn(verdicts)
        self._tell_back(time, work)
        return self._gate.informed and not informed

    def admit(self, signal: Signal, work: Work) -> str | None:
        """The frequency rule that refuses a signal, None when it is admitted."""
        effects = Effects()
        refused = self._gate.admit(signal, effects)
        self._take(effects, work)
        return refused

    def offer(
        self, candidate: Opportunity, active: Sequence[Opportunity], meta: Meta, time: int, work: Work
    ) -> Opportunity | None:
        """Publish the first revision of an opportunity, or hold it.

        Args:
            active: last revisions of all live opportunities.
            time: event time.

        Returns:
            The revision as it went out, None when it did not.
        """
        if self.halted:
            self._hold(candidate, HALTED, "the pipeline is halted", meta, work)
            return None
        effects = Effects()
        ruling = self._gate.judge(candidate, active, time, self._fresh, effects)
        self._take(effects, work)
        if ruling.publish:
            return self._send(candidate, ruling.status, meta, work)
        if not self._fresh:  # fresh verdicts by older policies are a matter of moments, and no fault of the guard
            self._tell_stale(time, work)
        self._hold(candidate, ruling.reason, ruling.detail, meta, work)
        return None

    def revise(self, live: Opportunity, revision: Opportunity, meta: Meta, work: Work) -> Opportunity | None:
        """Publish a further revision; None when it has to stay in for now.

        Args:
            live: the revision before; a close without members is bound by the policies that bound it.
        """
        bound = revision if revision.members else live
        status = None if self.halted else self._gate.standing(bound, self._fresh)
        if status is None:
            work.count("kept-back")
            return None
        return self._send(revision, status, meta, work)

    def save(self, work: Work) -> None:
        """Let what has changed ride in the commit."""
        work.state.update(self._gate.changed())

    def load(self, fields: Mapping[str, bytes]) -> None:
        """Replace the state; the gate waits for its bundle, which `assume` brings.

        Raises:
            msgspec.MsgspecError: written by another version.
        """
        saved = _Saved(Conditions(), told_stale=False)
        if CONDITIONS_FIELD in fields:
            saved = msgspec.msgpack.decode(fields[CONDITIONS_FIELD], type=_Saved)
        self.conditions, self._told_stale = saved.conditions, saved.told_stale
        self._gate = Gate(NO_POLICIES, self._sector_of)
        self._loaded = {name: value for name, value in fields.items() if name.startswith(FIELDS)}

    def owns(self, field: str) -> bool:
        """Whether a state field is of this object."""
        return field == CONDITIONS_FIELD or field.startswith(FIELDS)

    def _go_by(self, bundle: Bundle, before: str | None, work: Work) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            if bundle.version != self._gate.bundle.version:
                gate = Gate(bundle, self._sector_of)
                gate.inherit(self._gate)
                self._gate = gate
            return
        self._gate = Gate(bundle, self._sector_of)
        if bundle.version == before:
            self._gate.restore(loaded)
        else:  # the policies changed while nobody was here: what was remembered belongs to rules that are not known
            work.state.update(dict.fromkeys(loaded))

    def _send(self, revision: Opportunity, status: RiskStatus, meta: Meta, work: Work) -> Opportunity:
        sent = msgspec.structs.replace(revision, risk=status)
        names = self.names
        payload = codec.encode(sent)
        work.writes.append(
            Write(names.opportunities, Kind.OPPORTUNITY, payload, meta, channel=names.opportunities_channel)
        )
        work.count("revisions")
        if sent.rev == 1:
            work.count("opportunities")
        if sent.state is State.CLOSED:
            work.count(f"closed/{sent.closed}")
        return sent

    def _hold(self, candidate: Opportunity, reason: str, detail: str, meta: Meta, work: Work) -> None:
        held = Held(opportunity=candidate, reason=reason, detail=detail[:500])
        work.writes.append(Write(self.names.opportunities_held, Kind.HELD, codec.encode(held), meta))
        work.count(f"held/{reason}")

    def _tell_stale(self, time: int, work: Work) -> None:
        if self._told_stale or not self._gate.guarded:
            return
        self._told_stale = True
        text = "the risk guard is silent: nothing is published that a policy may block or halt by its verdicts"
        self._raise(alert(STALE, Severity.CRITICAL, PIPELINE, time, text), work)
        self._save_conditions(work)

    def _tell_back(self, time: int, work: Work) -> None:
        """Nothing is held for want of verdicts any more."""
        gate = self._gate
        if not self._told_stale or (gate.guarded and not (self._fresh and gate.informed)):
            return
        self._told_stale = False
        text = "the risk guard is back" if gate.guarded else "no policy waits for the risk guard any more"
        self._raise(alert(STALE, Severity.INFO, PIPELINE, time, text, about="back"), work)
        self._save_conditions(work)

    def _take(self, effects: Effects, work: Work) -> None:
        for one in effects.alerts:
            self._raise(one, work)
        for target, halt in effects.halts.items():
            work.halts.setdefault(target, codec.encode(halt))

    def _raise(self, one: Alert, work: Work) -> None:
        stream = self.names.risk_alerts
        work.writes.append(Write(stream, Kind.ALERT, codec.encode(one), channel=stream))
        work.count(f"alerts/{one.rule}")

    def _save_conditions(self, work: Work) -> None:
        work.state[CONDITIONS_FIELD] = msgspec.msgpack.encode(_Saved(self.conditions, self._told_stale))
