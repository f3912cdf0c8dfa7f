"""Simulated devices at work: processes, connections, receipts, behaviour."""
