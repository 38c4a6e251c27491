"""What cleaning found in a tick that was kept: the bits of a frame's `flags` column."""

import enum


class Flag(enum.IntFlag):
    """Bits of the `flags` column. A tick with any bit of `UNFIT` never enters continuous features or bars."""

    BEYOND_LIMIT = 1
    CROSSED = 2
    CLOCK_SKEW = 4
    NO_PRICE = 8
    REBASED = 16
    """Cumulative volume fell: the tick's volume was counted from zero again."""
    AT_LIMIT_UP = 32
    AT_LIMIT_DOWN = 64
    UNCERTAIN_SESSION = 128
    """The day lies past the end of the exchange calendar; Monday to Friday is assumed."""


UNFIT = Flag.BEYOND_LIMIT | Flag.CROSSED | Flag.CLOCK_SKEW | Flag.NO_PRICE
