"""Settings of the risk guard."""

from dfp.runtime.settings import ReferenceSettings


class RiskSettings(ReferenceSettings):
    """Daily bars of reference data are needed for drawdowns over several sessions."""
