"""Everything that crosses a process boundary: frames, messages, their codecs and the names of streams and keys.

Nothing here talks to anything, and nothing here imports another room, so every process can trust the same bytes.
"""
