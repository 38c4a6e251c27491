"""Line coverage of the pure rooms, from a coverage XML: printed by room, and an error below 95 %.

A kernel's lines run in compiled code, which coverage cannot see; tests run them uncompiled once.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import PurePosixPath

MINIMUM = 95.0
SHELLS = {"service.py", "runner.py", "writer.py", "live.py", "feed.py", "pacing.py", "server.py", "__main__.py"}
PURE = {
    "dfp/contracts", "dfp/market", "dfp/features", "dfp/risk", "dfp/sdk", "dfp/engine", "dfp/aggregator",
    "dfp/collector", "dfp_operator/api", "dfp_operator/plan",
}  # fmt: skip


def main(path: str) -> int:
    """Print the table; 1 when a room is below the minimum."""
    lines: dict[str, list[bool]] = defaultdict(list)
    root = ElementTree.parse(path).getroot()
    for entry in root.iter("class"):
        file = PurePosixPath(entry.get("filename", ""))
        parts = file.parts
        room = next(("/".join(parts[i : i + 2]) for i, part in enumerate(parts) if part in ("dfp", "dfp_operator")), "")
        if room in PURE and file.name not in SHELLS:
            lines[room] += [int(line.get("hits", "0")) > 0 for line in entry.iter("line")]
    low = False
    for room in sorted(PURE):
        share = 100.0 * sum(lines[room]) / len(lines[room]) if lines[room] else 0.0
        low |= share < MINIMUM
        print(f"  {room:<22} {share:6.1f} % of {len(lines[room]):,} lines{'' if share >= MINIMUM else '  TOO LOW'}")
    return int(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
