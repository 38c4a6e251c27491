"""The one door in front of the others: a configuration of Caddy, not a proxy of ours."""
