"""Candidates that risk kept back: what would have been published, and why it was not."""

from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document
from dfp.contracts.opportunity import Opportunity


class Held(Document, frozen=True):
    """A candidate that is never published, not even when its reason is gone: it is dropped at its expiry.

    Attributes:
        reason: `POLICY/RULE`, `RiskGuardStale` or `Halted`.
        detail: for people.
    """

    opportunity: Opportunity
    reason: str
    detail: Annotated[str, Meta(max_length=500)]
