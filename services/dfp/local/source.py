"""The feeds of one machine."""

import enum


class Source(enum.StrEnum):
    """Where ticks come from."""

    SYNTHETIC = "synthetic"
    REPLAY = "replay"
    RAW_TICKS = "raw_ticks"
