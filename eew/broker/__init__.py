"""The embedded broker: start, wait until ready, stop."""
