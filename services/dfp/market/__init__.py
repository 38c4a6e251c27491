"""What is true of the exchanges, and not of us: symbols, instruments, hours, calendar, limits, lots and fees.

Pure knowledge at the bottom of the house: it talks to nothing, reads no clock and imports no other room, so that the
live chain, a replay and a backtest judge the same tick by the same rule, by the rule of the tick's own day.
"""
