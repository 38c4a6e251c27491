"""What the risk guard says is not Ok, or locked, as its stream tells it change by change."""

from dfp.contracts.entry import Entry
from dfp.contracts.risk import Decision, Verdict, Verdicts

_SYMBOL = "symbol/"


class Standing:
    """A consumer of the verdicts feed.

    Attributes:
        version: of the policies that the last complete statement was judged by, None before one was read.
        seq, time: feature entry and event time of the last statement, 0 before the first.
    """

    def __init__(self) -> None:
        self.complete = False
        self.version: str | None = None
        self.seq = 0
        self.time = 0
        self._standing: dict[tuple[str, str, str], tuple[str, Verdict]] = {}

    def take(self, entry: Entry, told: Verdicts, /) -> None:
        """Take the next statement. A complete one is about symbols; those about strategies come one by one."""
        self.seq, self.time = max(self.seq, told.seq), max(self.time, told.time)
        if told.complete:
            self.version = told.version
            self._standing = {
                key: (version, verdict)
                for key, (version, verdict) in self._standing.items()
                if not verdict.target.startswith(_SYMBOL) and version == told.version
            }
        for verdict in told.verdicts:
            key = (verdict.policy, verdict.rule, verdict.target)
            if verdict.decision is not Decision.OK or verdict.until > 0:
                self._standing[key] = (told.version, verdict)
            else:
                self._standing.pop(key, None)

    def caught_up(self) -> None:
        """The end of the stream was reached."""
        self.complete = True

    def reset(self, reason: str) -> None:
        """Forget everything: the stream has changed."""
        self.complete = False
        self.version = None
        self.seq = self.time = 0
        self._standing.clear()

    def all(self) -> list[Verdict]:
        """What stands, by policy, rule and target."""
        return [verdict for _, (_, verdict) in sorted(self._standing.items())]

    def __len__(self) -> int:
        return len(self._standing)
