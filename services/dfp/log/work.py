"""What one commit carries, and what the core of a stage has to offer so that the log can run it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dfp.contracts.entry import NO_META, Entry, Kind, Meta


@dataclass(frozen=True, slots=True)
class Write:
    """One entry to append.

    Attributes:
        stream: full name of the stream.
        seq: sequence number, or None to take the stream's next one (streams with several writers).
        channel: Pub/Sub channel that mirrors the entry, None for most.
    """

    stream: str
    kind: Kind
    payload: bytes
    meta: Meta = NO_META
    seq: int | None = None
    channel: str | None = None


@dataclass(slots=True)
class Work:
    """Everything that the processing of a batch of entries leaves behind. It is committed as a whole or not at all.

    Attributes:
        writes: entries in order; those with a `seq` come first within the batch.
        counts: counter -> increment.
        state: state field -> new value, None deletes it. For state that changes little and rides in commits.
        digested: payloads that the stage's rolling digest covers, in order.
        halts: target -> Halt document; set unless the target is halted already. Only a person releases.
    """

    writes: list[Write] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    state: dict[str, bytes | None] = field(default_factory=dict)
    digested: list[bytes] = field(default_factory=list)
    halts: dict[str, bytes] = field(default_factory=dict)

    def count(self, counter: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counts[counter] = self.counts.get(counter, 0) + by


class Core(Protocol):
    """The pure part of a stage. Output is a function of the entries alone: no clock, no randomness, no I/O.

    Batches are an accident of timing, so processing A then B must leave the same state and the same writes as A‖B.
    """

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """Take entries of one input stream in order, change the state, and add what follows from them to `work`."""

    def save(self) -> bytes:
        """The whole state; `load(save())` leaves an equal core, bit for bit."""

    def load(self, state: bytes) -> None:
        """Replace the state by a saved one. An empty `state` means: start afresh.

        Raises:
            ContractError: the bytes were written by another version.
        """
