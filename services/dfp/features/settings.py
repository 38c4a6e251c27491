"""Settings of the feature stage."""

from pydantic import Field

from dfp.features.catalog import DEFAULT
from dfp.runtime.settings import ServiceSettings


class FeatureSettings(ServiceSettings):
    """Which features to compute."""

    features: tuple[str, ...] = Field(
        default=DEFAULT, min_length=1, max_length=400, description="JSON list of feature names"
    )
