"""The smallest stage that publishes only under conditions: totals go to `out`, or to `held` while it is halted."""

from collections.abc import Mapping, Sequence

import msgspec

from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Entry
from dfp.contracts.policy import NO_POLICIES, Bundle
from dfp.log.work import Work
from running_total import CommittedTotal


class ConditionalTotal(CommittedTotal):
    """A core that says in its state under which conditions it was made."""

    def __init__(self, out: str, held: str) -> None:
        super().__init__(out)
        self.held = held
        self.conditions = Conditions()
        self.bundle = NO_POLICIES

    def assume(self, conditions: Conditions, bundle: Bundle, work: Work) -> None:
        self.conditions, self.bundle = conditions, bundle
        work.state["conditions"] = msgspec.msgpack.encode(conditions)
        work.count("assumed")

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        out = self.out
        self.out = self.held if self.conditions.halts else out
        super().process(stream, entries, work)
        self.out = out

    def load_state(self, fields: Mapping[str, bytes]) -> None:
        super().load_state(fields)
        if "conditions" in fields:
            self.conditions = msgspec.msgpack.decode(fields["conditions"], type=Conditions)
