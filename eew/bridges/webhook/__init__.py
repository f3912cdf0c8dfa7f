"""Webhooks: each new report of an event is posted once to every endpoint whose filter lets it pass."""
