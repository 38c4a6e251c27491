"""Dead letters: records that were refused, kept with their reason so that nothing disappears in silence."""

import base64
from typing import Annotated

from msgspec import Meta

from dfp.contracts.codec import Document

MAX_RECORD = 4096
"""Bytes of a refused record that are kept; enough to recognise it, small enough that a flood of them is affordable."""


class DeadLetter(Document, frozen=True):
    """A refused record.

    Attributes:
        stage: who refused it.
        reason: short and countable, for example `unknown-symbol`.
        detail: the whole error, which names field, value and what is allowed.
        record: the first `MAX_RECORD` bytes of it, base64.
    """

    stage: str
    reason: Annotated[str, Meta(max_length=60)]
    detail: Annotated[str, Meta(max_length=4000)]
    record: str


def dead_letter(stage: str, reason: str, detail: str, record: bytes) -> DeadLetter:
    """A dead letter, cut to its limits."""
    kept = base64.b64encode(record[:MAX_RECORD]).decode()
    return DeadLetter(stage=stage, reason=reason[:60], detail=detail[:4000], record=kept)
