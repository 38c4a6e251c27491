"""The revision of a strategy: a hash of what changes its output, and of nothing else."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from dfp.sdk.strategy import MAJOR


def revision(
    source: bytes,
    parameters: Mapping[str, object],
    universe: Mapping[str, object],
    needs: Sequence[str],
    group: str = "",
) -> str:
    """16 hexadecimal digits.

    Args:
        source: bytes of the strategy's file. What it imports is not covered: a strategy is one file.
        parameters: resolved, so that writing down a default changes nothing.
        universe: canonical form, see `Universe.canonical`.
        needs: features; their order is no matter.
        group: as the manifest has it; a group of its own changes nothing.
    """
    code = hashlib.sha256(source).hexdigest()
    own = [group] if group else []
    parts = (MAJOR, code, dict(parameters), dict(universe), sorted(needs), *own)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]
