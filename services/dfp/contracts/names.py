"""Names of streams, channels and keys, in one place. All of them start with the pipeline's prefix."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one pipeline.

    Args:
        prefix: the pipeline's stream prefix, `dfp` by default; two pipelines on one Redis need two.
    """

    prefix: str = "dfp"

    # Streams
    @property
    def raw_ticks(self) -> str:
        """Ticks of outside producers, one JSON document an entry; see docs/raw_ticks.md."""
        return f"{self.prefix}:raw_ticks"

    @property
    def clean_ticks(self) -> str:
        """The log of record."""
        return f"{self.prefix}:clean_ticks"

    @property
    def features(self) -> str:
        """Ticks with their features."""
        return f"{self.prefix}:features"

    @property
    def signals(self) -> str:
        """Signals of live strategies."""
        return f"{self.prefix}:strategy_signals"

    @property
    def shadow_signals(self) -> str:
        """Signals of shadow, or halted, strategies."""
        return f"{self.prefix}:shadow_signals"

    @property
    def opportunities(self) -> str:
        """What clients see."""
        return f"{self.prefix}:opportunities"

    @property
    def opportunities_held(self) -> str:
        """Candidates that risk kept from being published, each with its reason."""
        return f"{self.prefix}:opportunities:held"

    @property
    def outcomes(self) -> str:
        """What became of opportunities that were published."""
        return f"{self.prefix}:outcomes"

    @property
    def risk_verdicts(self) -> str:
        """The risk guard's verdicts, as changes."""
        return f"{self.prefix}:risk:verdicts"

    @property
    def risk_alerts(self) -> str:
        """Alerts (Stream, and Pub/Sub channel of the same name)."""
        return f"{self.prefix}:risk_alerts"

    @property
    def dead_letters(self) -> str:
        """Refused records of every stage."""
        return f"{self.prefix}:dead_letters"

    def journal(self, stage: str) -> str:
        """Contained handlers of one stage."""
        return f"{self.prefix}:journal:{stage}"

    # Channels
    @property
    def opportunities_channel(self) -> str:
        """Pub/Sub mirror of `opportunities`; nobody inside reads it."""
        return f"{self.prefix}:opportunities:ws"

    # Keys
    def chain(self, stage: str) -> str:
        """Hash of a stage's commit chain: token, cursor, digest."""
        return f"{self.prefix}:chain:{stage}"

    def lease(self, stage: str) -> str:
        """Who runs a stage now."""
        return f"{self.prefix}:lease:{stage}"

    def state(self, stage: str) -> str:
        """Hash of state that rides in commits, change by change."""
        return f"{self.prefix}:state:{stage}"

    def counts(self, stage: str) -> str:
        """Hash of counters that are exact over crashes, because they ride in commits."""
        return f"{self.prefix}:counts:{stage}"

    def snapshot(self, stage: str) -> str:
        """Hash of a stage's latest snapshot, in chunks."""
        return f"{self.prefix}:snapshot:{stage}"

    def floors(self, stream: str) -> str:
        """Hash reader -> sequence number up to which it will never read `stream` again."""
        return f"{stream}:floors"

    @property
    def halt(self) -> str:
        """Hash target -> Halt document. Commit scripts refuse a target that is in it."""
        return f"{self.prefix}:halt"

    @property
    def strategies(self) -> str:
        """Hash name -> RunningStrategy document, written by each engine at its start."""
        return f"{self.prefix}:strategies"

    @property
    def risk_fresh_until(self) -> str:
        """Redis TIME in microseconds until which the risk guard's verdicts count as fresh."""
        return f"{self.prefix}:risk:fresh_until"

    @property
    def risk_policies(self) -> str:
        """Hash with `version` and `bundle`: the policy bundle that holds (contracts/policy.py)."""
        return f"{self.prefix}:risk:policies"

    @property
    def risk_acknowledged(self) -> str:
        """Hash stage -> version of the policy bundle that it goes by."""
        return f"{self.prefix}:risk:acknowledged"

    @property
    def owner(self) -> str:
        """Who uses this prefix; a second pipeline is refused with this name."""
        return f"{self.prefix}:owner"
