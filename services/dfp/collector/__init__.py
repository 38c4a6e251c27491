"""Raw rows in, the log of record out: feeds, cleaning, framing.

The collector is the only writer of `clean_ticks`. What it writes is a function of the rows and their times alone, never
of the wall clock or of how rows happened to arrive in batches, so a run can be repeated byte for byte.
"""
