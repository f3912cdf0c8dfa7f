"""Subscribers of the alert topics: a countdown, a home, web hooks."""
