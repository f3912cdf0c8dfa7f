"""Webhooks: each new report of an event is told by HTTP, once, to every address that asked for it."""
