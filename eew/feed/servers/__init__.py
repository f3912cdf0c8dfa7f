"""Fake servers of agencies: they play reports in an agency's format, and misbehave when told to."""
