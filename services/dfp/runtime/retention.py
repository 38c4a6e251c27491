"""How much of each stream stays. Whoever writes a stream trims it; see `dfp.log.trim`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept of one stream.

    Attributes:
        max_bytes: hard cap, whatever its readers have seen.
        behind_readers: also drop what every reader is done with.
    """

    max_bytes: int
    behind_readers: bool


FEATURES = Retention(512 * 2**20, behind_readers=True)
SIGNALS = Retention(256 * 2**20, behind_readers=False)
OPPORTUNITIES = Retention(256 * 2**20, behind_readers=False)
"""Some 200,000 revisions: clients resume from here, and the API answers from here after a restart."""

JOURNAL = Retention(16 * 2**20, behind_readers=False)
DEAD_LETTERS = Retention(16 * 2**20, behind_readers=False)

HELD = Retention(64 * 2**20, behind_readers=False)
OUTCOMES = Retention(256 * 2**20, behind_readers=False)
ALERTS = Retention(64 * 2**20, behind_readers=False)
VERDICTS = Retention(128 * 2**20, behind_readers=False)
"""A complete entry about a whole market without reference data is 1.5 MB, an ordinary one 300 bytes."""
