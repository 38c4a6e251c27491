"""Runs one strategy over the feature stream: loads it, calls its handlers, contains what goes wrong, writes signals.

User code is imported here and nowhere else.
"""
