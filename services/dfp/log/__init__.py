"""The log of record on Redis: read from a cursor, commit behind a fence, snapshot, lease, trim.

One chain of commits per stage is what makes the pipeline lose nothing and count nothing twice; see `commit.lua`.
"""
