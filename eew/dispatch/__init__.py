"""The dispatcher put together: decisions, plans, journal, replay, daemon and the run summary."""
