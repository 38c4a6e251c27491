"""The operator: turns Strategy and RiskPolicy resources into a running pipeline."""
