"""Simulated phones and TVs."""
