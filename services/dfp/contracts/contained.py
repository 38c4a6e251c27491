"""The journal of contained handlers: a replay must not depend on how slow the machine was."""

from dfp.contracts.codec import Document


class Contained(Document, frozen=True):
    """A strategy handler was stopped because it used more than its CPU time.

    The entry is committed together with the outputs of the batch; a re-run of the log obeys it, not its own clock.

    Attributes:
        seq: sequence number of the feature entry.
        row: row of that frame, or index of the timer call within a clock entry.
    """

    strategy: str
    seq: int
    row: int
