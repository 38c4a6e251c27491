"""Settings of the aggregator."""

from dfp.runtime.settings import ReferenceSettings


class AggregatorSettings(ReferenceSettings):
    """Reference data for the sectors of a concentration rule."""
