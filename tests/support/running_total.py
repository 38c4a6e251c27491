"""The smallest stage with state: each output is the sum of all inputs so far. Any loss or repeat changes it."""

from collections.abc import Iterable, Mapping, Sequence

from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.log.work import Work, Write


class RunningTotal:
    """A core that reads integers and writes running totals to `out` under the number of their input."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.total = 0

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        for entry in entries:
            self.total += int(entry.payload)
            payload = b"%d" % self.total
            work.writes.append(Write(self.out, Kind.SIGNAL, payload, entry.meta, seq=entry.seq))
            work.digested.append(payload)
            work.count("inputs")

    def save(self) -> bytes:
        return b"total:%d" % self.total

    def load(self, state: bytes) -> None:
        if state and not state.startswith(b"total:"):
            raise ContractError("state", state, "total:<number>")
        self.total = int(state[6:] or 0)


class CommittedTotal:
    """The same with state that rides in its commits, and outputs that the server numbers."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.total = 0

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        for entry in entries:
            self.total += int(entry.payload)
            work.writes.append(Write(self.out, Kind.SIGNAL, b"%d" % self.total))
        work.state["total"] = b"%d" % self.total

    def load_state(self, fields: Mapping[str, bytes]) -> None:
        self.total = int(fields.get("total", b"0"))

    def save(self) -> bytes:
        raise AssertionError("no snapshot is taken of state that rides in commits")

    def load(self, state: bytes) -> None:
        raise AssertionError("no snapshot is loaded")


def totals(values: Iterable[int]) -> list[bytes]:
    """F(log): what the outputs must be, computed without any of the product's code."""
    out, total = [], 0
    for value in values:
        total += value
        out.append(b"%d" % total)
    return out
