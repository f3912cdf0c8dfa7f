"""The outcome of a run: table and JSON."""
