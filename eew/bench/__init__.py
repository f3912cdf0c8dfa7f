"""Measurements of the dispatcher and its broker, each a module with ``configure`` and ``run``."""
