"""Streaming features: one pass over the ticks, O(1) per tick and feature, the same bytes however the ticks were cut.

Only fit ticks count: continuous trading, a last price, and no flag of `contracts.flags.UNFIT`. On every other tick each
feature is absent (NaN), and nothing of it enters a window but what it traded, which goes to the next fit tick: a trade
belongs to the session whatever else its tick says. Features start afresh with each session: an ex-rights day or a
night's gap never stands inside a window. Nor does a hole in the log.
"""
