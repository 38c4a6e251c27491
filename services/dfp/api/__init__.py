"""The REST door: opportunities from memory, fed by the log."""
