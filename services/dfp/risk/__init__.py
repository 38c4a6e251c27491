"""Risk: four rules as one pure library, in two hosts.

The gate lives inside the aggregator, because only there the set of active opportunities and the order of signals are
exact. The guard is a process of its own, because volatility and drawdown need every tick; it tells its verdicts to the
gate, and while it is silent nothing that depends on them is published.
"""
