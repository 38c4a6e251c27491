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
    helpers: Mapping[str, bytes] | None = None,
) -> str:
    """16 hexadecimal digits.

    Args:
        source: bytes of the strategy's file.
        parameters: resolved, so that writing down a default changes nothing.
        universe: canonical form, see `Universe.canonical`.
        needs: features; their order is no matter.
        group: as the manifest has it; a group of its own changes nothing.
        helpers: module name -> bytes of what it imports from its own folder; none changes nothing. Installed packages
            are not covered.
    """
    code: object = hashlib.sha256(source).hexdigest()
    if helpers:
        code = [code, {name: hashlib.sha256(content).hexdigest() for name, content in helpers.items()}]
    own = [group] if group else []
    parts = (MAJOR, code, dict(parameters), dict(universe), sorted(needs), *own)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]
