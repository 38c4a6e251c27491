"""What every service shares: settings, logging, probes, graceful stop. Nothing here knows what a service does."""
