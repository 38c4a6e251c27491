"""A rolling sha256 over canonical payloads: short enough to ride in every commit, and it survives a restart."""

import hashlib
from collections.abc import Iterable

EMPTY = bytes(32)
"""Digest of no payload at all."""


def roll(digest: bytes, payloads: Iterable[bytes]) -> bytes:
    """The digest after more payloads: d' = sha256(d ‖ sha256(payload)), one step a payload.

    Unlike a running sha256 object, its state is 32 bytes that can be stored.
    """
    for payload in payloads:
        digest = hashlib.sha256(digest + hashlib.sha256(payload).digest()).digest()
    return digest
