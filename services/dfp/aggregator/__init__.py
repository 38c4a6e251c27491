"""From the signals of all strategies to opportunities: one live opinion per symbol and side, or none."""
