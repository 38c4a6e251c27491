"""The WebSocket door: every client gets every revision exactly once, in the order of the log."""
