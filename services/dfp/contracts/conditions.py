"""Conditions: what a stage assumes of the world outside the log when it decides whether to publish.

They change seldom and by other hands: a person halts, the guard falls silent, a policy is applied. A stage decides
under the conditions that it knows, the commit script compares them with those that hold, and refuses on a mismatch; the
stage then takes the new ones and decides again. So nothing is ever published under conditions that did not hold at that
instant.
"""

import msgspec


class Conditions(msgspec.Struct, frozen=True):
    """What holds, or what a stage assumes: then None stands for whatever does not matter to it.

    Attributes:
        halts: halted targets, sorted.
        risk_fresh: whether the risk guard has confirmed its verdicts in the last seconds.
        policies: version of the policy bundle, empty while there is none.
    """

    halts: tuple[str, ...] | None = ()
    risk_fresh: bool | None = False
    policies: str | None = ""

    def allow(self, holding: "Conditions") -> bool:
        """Whether what is assumed here holds."""
        return (
            self.halts in (None, holding.halts)
            and self.risk_fresh in (None, holding.risk_fresh)
            and self.policies in (None, holding.policies)
        )


PIPELINE = "pipeline"
"""Halt target of everything."""


def strategy_target(strategy: str) -> str:
    """Halt target of one strategy."""
    return f"strategy/{strategy}"
